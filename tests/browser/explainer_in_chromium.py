"""The explainer as readers see it: its numbers beside Python's, its views, what goes wrong, light, dark and narrow.

Run by `make test-browser`, with a small model of random weights (benchmarks/explainer.py asks the same of the real
one). Left out, with a word why, where there is no npm, no network for it, or no Chromium. Screenshots are left in
build/browser/.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import onnxruntime
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import make_page
from browser.explainer import (
    hostile_texts,
    open_page,
    run_in_page,
    run_in_python,
    served,
    tokens_in_page,
    wait_until,
)
from browser.lab import (
    SCREENSHOTS,
    SIZES,
    asked_elsewhere,
    chromium,
    find_browser,
    requested_addresses,
    serious_faults,
    show_on,
    take_picture,
)
from convbert_edu import ConvBertConfig, ConvBertTokenizer
from convbert_edu.distillation.objective import MaskedLMWithDetector
from helpers import randomise

COMPUTED = "document.body.dataset.computed"
LAYERS, HEADS = 3, 2


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page for a small model with random weights and a real vocabulary."""
    try:
        find_browser()
        make_page.fetch_libraries()
    except (FileNotFoundError, ConnectionError) as missing:
        pytest.skip(f"the explainer is left out: {missing}")
    folder = tmp_path_factory.mktemp("explainer")
    tokenizer = ConvBertTokenizer.from_pretrained("convbert-tiny")
    config = ConvBertConfig(
        vocab_size=len(tokenizer), embedding_size=24, hidden_size=32, num_hidden_layers=LAYERS,
        num_attention_heads=2 * HEADS, intermediate_size=64, conv_kernel_size=9, max_position_embeddings=160,
    )  # fmt: skip
    model = MaskedLMWithDetector(config)
    randomise(model)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    # A graph must not hold the checks of the tests.
    jaxtyping.config.update("jaxtyping_disable", True)
    make_page.build(folder / "model", folder / "page", lessons=False)
    jaxtyping.config.update("jaxtyping_disable", False)
    return folder / "page"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, page: Path) -> Iterator[webdriver.Chrome]:
    """A browser that reaches nothing but this machine."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        driver.set_script_timeout(120)
        yield driver


@pytest.fixture(scope="module")
def address(page: Path) -> Iterator[str]:
    """Where the page is served."""
    with served(page) as address:
        yield address


def problems(driver: webdriver.Chrome) -> str:
    return driver.find_element(By.ID, "problems").text


def status(driver: webdriver.Chrome) -> str:
    return driver.find_element(By.ID, "status").text


def type_text(driver: webdriver.Chrome, text: str) -> None:
    """Put a text into the field as a paste would; the driver types no emoji."""
    driver.execute_script(
        "const box = document.getElementById('text'); box.value = arguments[0];"
        "box.dispatchEvent(new InputEvent('input', {bubbles: true}));",
        text,
    )


def after(driver: webdriver.Chrome, action) -> None:
    """Do something and wait until the page has computed anew."""
    before = driver.execute_script(f"return {COMPUTED} ?? null;")
    action()
    wait_until(driver, f"{COMPUTED} && {COMPUTED} !== '{before}'")


def test_the_parts_of_the_page_do_what_they_say(page):
    done = subprocess.run(["node", "--test"], cwd=make_page.HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_page_computes_what_python_computes_and_asks_nobody(browser, address, page):
    requested_addresses(browser)
    for weights in make_page.WEIGHTS:
        open_page(browser, f"{address}/index.html#weights={weights}")
        session = onnxruntime.InferenceSession(page / f"model-{weights}.onnx")
        texts = ["The tin can is empty.", *hostile_texts(5, seed=len(weights))]
        for number, text in enumerate(texts):
            off = ["a0.1", f"c{LAYERS - 1}.0"] if number % 2 else []
            ids, found = run_in_page(browser, text, masked=[2][: len(text) > 20], off=off)
            expected = run_in_python(session, ids, off)
            for name, values in expected.items():
                np.testing.assert_allclose(
                    found[name], values.ravel(), rtol=1e-3, atol=1e-3, err_msg=f"{name} {text!r}"
                )
    assert asked_elsewhere(browser, address, "about:") == []


def test_tokens_are_those_of_the_package(browser, address):
    if not browser.current_url.startswith(address):
        open_page(browser, f"{address}/index.html")
    tokenizer = ConvBertTokenizer.from_pretrained("convbert-tiny")
    texts = hostile_texts(2000)
    found = tokens_in_page(browser, texts)
    expected = tokenizer(texts)["input_ids"]
    # What is too long for the page is cut there.
    pairs = zip(found, ((ids if len(ids) <= 128 else [*ids[:127], ids[-1]]) for ids in expected), strict=True)
    assert [text for text, (page, package) in zip(texts, pairs, strict=True) if page != package] == []


def test_every_view_can_be_used_with_the_keyboard_alone(browser, address):
    open_page(browser, f"{address}/index.html")
    body = browser.switch_to.active_element
    for _ in range(12):
        body.send_keys(Keys.TAB)
        body = browser.switch_to.active_element
        if "token" in (body.get_attribute("class") or "").split():
            break
    token = body.get_attribute("data-position")
    assert token == "6"
    body.send_keys(Keys.ARROW_RIGHT)
    moved = browser.switch_to.active_element
    assert moved.get_attribute("data-position") == "7"
    assert moved.text.splitlines()[0] in browser.find_element(By.ID, "attention-title").text
    for view in ("attention", "kernel", "mixed"):
        words = browser.find_element(By.CSS_SELECTOR, f"#{view} svg").get_attribute("aria-label")
        assert "%" in words, view

    assert "No token is masked" in browser.find_element(By.ID, "predictions").text
    after(browser, lambda: moved.send_keys("m"))
    assert len(browser.find_elements(By.CSS_SELECTOR, "#predictions tbody tr")) == 5
    assert browser.switch_to.active_element.get_attribute("data-position") == "7"

    head = browser.find_element(By.CSS_SELECTOR, '[data-head="a0.1"]')
    after(browser, lambda: head.send_keys(Keys.SPACE))
    assert browser.switch_to.active_element.get_attribute("aria-pressed") == "false"
    tables = [table.text for table in browser.find_elements(By.CSS_SELECTOR, "#predictions table")]
    assert len(tables) == 2
    assert tables[0].splitlines()[1:] != tables[1].splitlines()[1:]

    before = browser.find_element(By.CSS_SELECTOR, "#kernel svg").get_attribute("aria-label")
    browser.find_element(By.ID, "layer").send_keys("2")
    wait_until(browser, "document.querySelector('#kernel-title').textContent.includes('layer 2')")
    assert browser.find_element(By.CSS_SELECTOR, "#kernel svg").get_attribute("aria-label") != before
    browser.find_element(By.CSS_SELECTOR, "#maps summary").send_keys(Keys.ENTER)
    wait_until(browser, "document.querySelectorAll('#maps svg').length === 2")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#compare figure")) == 2
    wait_until(browser, "['off=a0.1', 'mask=7', 'layer=2'].every((part) => location.hash.includes(part))")

    # The address brings the same view back.
    open_page(browser, browser.current_url)
    assert len(browser.find_elements(By.CSS_SELECTOR, "#predictions table")) == 2
    assert "layer 2" in browser.find_element(By.ID, "kernel-title").text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no word in the sentence yet"),
        (" \n\t ", "There is no word in the sentence yet"),
        ("word " * 600, "The page reads the first 127 and [SEP]"),
        ("I like it \N{SLIGHTLY SMILING FACE}", "is [UNK], unknown"),
        ("שלום עולם", ""),
    ],
)
def test_unusual_texts_are_explained_and_the_page_goes_on(browser, address, text, said):
    if not browser.current_url.startswith(address):
        open_page(browser, f"{address}/index.html")
    type_text(browser, text)
    if said:
        wait_until(browser, f"document.getElementById('problems').textContent.includes('{said}')")
    after(browser, lambda: type_text(browser, "The can is open."))
    assert problems(browser) == ""
    assert "6 tokens" in status(browser) or "7 tokens" in status(browser)


def test_an_address_that_asks_for_what_is_not_there_is_answered(browser, address):
    open_page(browser, f"{address}/index.html#layer=9&head=77&off=a9.9&mask=50&token=99")
    for words in (
        "layer 9, but the model has layers 0 to 2",
        "head 77",
        '"a9.9"',
        "masks token 50",
        "token 99",
    ):
        assert words in problems(browser)
    assert browser.find_elements(By.CSS_SELECTOR, "#attention svg")


def test_without_simd_or_a_whole_model_the_page_says_so_and_shows_tokens(browser, address, page):
    failed = "document.getElementById('problems').textContent"
    script = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": "WebAssembly.validate = () => false;"}
    )
    open_page(browser, f"{address}/index.html", failed)
    assert "no WebAssembly SIMD" in problems(browser)
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)

    model, kept = page / "model-float16.onnx", page / "kept"
    shutil.copy(model, kept)
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    damages = {
        "is damaged: its SHA-256": lambda: model.write_bytes(data),
        "is damaged: it has 1,000 bytes": lambda: model.write_bytes(data[:1000]),
        "is not there (404)": model.unlink,
    }
    for said, damage in damages.items():
        damage()
        browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        open_page(browser, f"{address}/index.html", failed)
        assert said in problems(browser)
        assert len(browser.find_elements(By.CSS_SELECTOR, ".token")) > 10
    # It goes on with the other weights.
    browser.find_element(By.ID, "weights").send_keys("8")
    wait_until(browser, COMPUTED)
    assert problems(browser) == ""
    kept.rename(model)


def test_one_file_holds_the_page_and_opens_from_disk(browser, page, tmp_path):
    shutil.copy(page / "explainer.html", tmp_path / "page.html")
    requested_addresses(browser)
    open_page(browser, (tmp_path / "page.html").as_uri())
    asked = {url.partition(":")[0] for url in requested_addresses(browser)}
    assert asked <= {"file", "data", "blob", "about", "chrome"}
    assert problems(browser) == ""
    assert browser.find_elements(By.CSS_SELECTOR, "#attention svg")
    # Opened from disk, index.html cannot load its parts, and says so.
    browser.get((page / "index.html").as_uri())
    assert "open explainer.html beside it" in status(browser)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_and_can_be_read(browser, address, theme, size):
    show_on(browser, size, theme)
    open_page(browser, f"{address}/index.html#mask=6&off=a0.1,c1.0&layer=1")
    browser.find_element(By.CSS_SELECTOR, "#maps summary").click()
    wait_until(browser, "document.querySelectorAll('#maps svg').length === 2")
    take_picture(browser, SCREENSHOTS / f"explainer-{size}-{theme}.png", size)
    axe = (make_page.HERE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    assert serious_faults(browser, axe) == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
