"""Lessons as readers see them: in JupyterLab, in a real browser, light and dark, without a network.

Run by `make test-browser`; the name of this file keeps it out of the other test runs. Screenshots of both themes are
left in build/browser/.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from browser.lab import SCREENSHOTS, asked_elsewhere, chromium, jupyterlab, requested_addresses
from helpers import ROOT

LESSONS = ("00_start_here", "07_seeing_inside")
RUN_SECONDS = 1800  # a busy machine is slow
LOOK_SECONDS = 120

STATE = """
const panel = window.jupyterapp.shell.currentWidget;
const isCode = cell => cell.type === "code" && cell.sharedModel.getSource().trim();
const cells = [...panel.content.model.cells].filter(isCode);
const outputs = cells.flatMap(cell => Array.from({length: cell.outputs.length}, (_, i) => cell.outputs.get(i).toJSON())
    .map(output => ({output, allowed: (cell.getMetadata("tags") || []).includes("raises-exception")})));
return {
  waiting: cells.filter(cell => cell.executionCount === null).length,
  kernel: panel.sessionContext.session?.kernel?.status ?? "none",
  errors: outputs.filter(o => o.output.output_type === "error" && !o.allowed).map(o => o.output.evalue),
  images: outputs.filter(o => "image/png" in (o.output.data ?? {})).length,
};
"""
SHOWN_IMAGES = """
return [...document.querySelectorAll(".jp-OutputArea-output img")].filter(image => image.naturalWidth > 50).length;
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[webdriver.Chrome, str, str]]:
    """A browser, and JupyterLab's address and token."""
    folder = tmp_path_factory.mktemp("lab")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with chromium(folder) as driver, jupyterlab(folder) as (address, token):
        driver.set_script_timeout(LOOK_SECONDS)
        yield driver, address, token


def execute(driver: webdriver.Chrome, command: str, **arguments: Any) -> None:
    """Run a command of JupyterLab, as a menu would."""
    driver.execute_async_script(
        "const [command, options, done] = arguments;"
        "window.jupyterapp.commands.execute(command, options).then(() => done());",
        command,
        arguments,
    )


def open_lesson(driver: webdriver.Chrome, address: str, token: str, lesson: str) -> None:
    """Open a lesson on its own page and wait until its kernel listens; the stored outputs are taken away."""
    driver.get(f"{address}/lab/tree/notebooks/{lesson}.ipynb?token={token}&reset")
    ready = (
        "const panel = window.jupyterapp?.shell?.currentWidget;"
        "return panel?.content?.model?.cells?.length > 3 && panel.sessionContext.session?.kernel?.status === 'idle';"
    )
    WebDriverWait(driver, LOOK_SECONDS * 3).until(lambda d: d.execute_script(ready))
    execute(driver, "notebook:clear-all-cell-outputs")


def run_all(driver: webdriver.Chrome) -> dict[str, Any]:
    """Run every cell, wait until the kernel has nothing left to do, and return what there is then."""
    driver.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells');")
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        state = driver.execute_script(STATE)
        if state["errors"] or (state["waiting"] == 0 and state["kernel"] == "idle"):
            return state
        time.sleep(2)
    raise TimeoutError(f"not all cells were run within {RUN_SECONDS} s: {state}")


def take_screenshots(driver: webdriver.Chrome, lesson: str, element: Any = None) -> list[Path]:
    """Keep a picture of the page in the light and in the dark theme."""
    paths = []
    for theme in ("Dark", "Light"):
        execute(driver, "apputils:change-theme", theme=f"JupyterLab {theme}")
        WebDriverWait(driver, LOOK_SECONDS).until(
            lambda d, theme=theme: (
                d.find_element(By.TAG_NAME, "body").get_attribute("data-jp-theme-name")
                == f"JupyterLab {theme}"
            )
        )
        if element is not None:
            driver.execute_script("arguments[0].scrollIntoView({block: 'center'});", element)
        time.sleep(1)  # scrolling and the new colours have settled
        paths.append(SCREENSHOTS / f"{lesson}-{theme.lower()}.png")
        assert driver.save_screenshot(str(paths[-1]))
    return paths


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_shows_its_figures_and_needs_no_network(lab, lesson):
    driver, address, token = lab
    stored = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    pictures = sum(
        "image/png" in output.get("data", {}) for c in stored.cells for output in c.get("outputs", [])
    )
    # Forget what came before.
    requested_addresses(driver)
    open_lesson(driver, address, token, lesson)
    state = run_all(driver)
    assert state["errors"] == []
    assert state["images"] == pictures >= 2
    WebDriverWait(driver, LOOK_SECONDS).until(lambda d: d.execute_script(SHOWN_IMAGES) >= pictures)
    first = driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output img")[0]
    dark, light = take_screenshots(driver, lesson, first)
    assert dark.stat().st_size > 10_000
    assert dark.read_bytes() != light.read_bytes()
    assert asked_elsewhere(driver, address) == []


def test_changing_the_layer_in_the_explorer_changes_the_picture(lab):
    driver, address, token = lab
    if "07_seeing_inside" not in driver.current_url:
        open_lesson(driver, address, token, "07_seeing_inside")
        assert run_all(driver)["errors"] == []
    picture = WebDriverWait(driver, LOOK_SECONDS).until(
        lambda d: d.find_element(By.CSS_SELECTOR, ".convbert-explorer img")
    )
    before = picture.get_attribute("src")
    layer = next(
        box
        for box in driver.find_elements(By.CSS_SELECTOR, ".widget-dropdown")
        if box.text.startswith("layer")
    )
    choice = Select(layer.find_element(By.TAG_NAME, "select"))
    other = next(option.text for option in choice.options if not option.is_selected())
    choice.select_by_visible_text(other)

    def shown(d: webdriver.Chrome) -> Any:
        return d.find_element(By.CSS_SELECTOR, ".convbert-explorer img")

    WebDriverWait(driver, LOOK_SECONDS).until(lambda d: shown(d).get_attribute("src") != before)
    assert f"(layer {other}," in shown(driver).get_attribute("alt")
    take_screenshots(driver, "explorer", shown(driver))
