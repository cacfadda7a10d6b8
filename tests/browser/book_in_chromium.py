"""The book as readers see it: built whole and without a fault, light, dark and narrow, without a network.

Run by `make test-browser`. Left out, with a word why, where Sphinx or Chromium is missing; axe-core comes with the
explainer's libraries (npm). Screenshots are left in build/browser/.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import make_page
from browser.explainer import served, wait_until
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
from helpers import ROOT

# Equations, figures and predictions; folded answers; signatures and docstrings.
PAGES = {
    "lesson": "notebooks/03_span_based_dynamic_convolution.html",
    "quiz": "notebooks/exercises/quizzes/03_quiz.html",
    "reference": "api/convbert_edu.layers.html",
}
# A page is shown whole, but no picture of it is longer than this.
LONGEST_PICTURE = 6000
# Equations are thousands of elements, which the browser itself describes.
AXE_OPTIONS = "{exclude: ['math']}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the whole book is served; it is built first, and a fault in it is an error."""
    if importlib.util.find_spec("sphinx_book_theme") is None:
        pytest.skip("the book is left out: `python start.py book` installs what makes it")
    folder = tmp_path_factory.mktemp("book")
    done = subprocess.run(
        [sys.executable, str(ROOT / "book" / "make_book.py"), "--output", str(folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "epub" / "convbert-step-by-step.epub").is_file()
    with served(folder / "html") as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[webdriver.Chrome]:
    """A browser that reaches nothing but this machine."""
    try:
        find_browser()
    except FileNotFoundError as missing:
        pytest.skip(f"the book is not looked at: {missing}")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        driver.set_script_timeout(240)
        yield driver


@pytest.fixture(scope="module")
def axe() -> str:
    """The script that looks for what keeps people from reading a page."""
    try:
        return (make_page.fetch_libraries() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except (FileNotFoundError, ConnectionError) as missing:
        pytest.skip(f"the book is not judged: {missing}")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_can_be_read_and_fetches_nothing(browser, address, axe, page, size, theme):
    show_on(browser, size, theme)
    requested_addresses(browser)
    browser.get(f"{address}/{PAGES[page]}")
    wait_until(browser, f"document.documentElement.dataset.theme === '{theme}'")
    take_picture(browser, SCREENSHOTS / f"book-{page}-{size}-{theme}.png", size, LONGEST_PICTURE)
    assert serious_faults(browser, axe, AXE_OPTIONS) == []
    assert asked_elsewhere(browser, address, "about:") == []


def test_the_output_of_a_prediction_is_hidden_until_it_is_asked_for(browser, address):
    browser.get(f"{address}/{PAGES['lesson']}")
    cell = browser.find_element(By.CSS_SELECTOR, ".cell.tag_hide-output")
    output = cell.find_element(By.CSS_SELECTOR, ".cell_output")
    assert not output.is_displayed()
    summary = cell.find_element(By.TAG_NAME, "summary")
    assert "Show the output" in summary.text
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'});", summary)
    summary.click()
    # It fades in.
    WebDriverWait(browser, 30).until(lambda _: output.is_displayed())


def test_the_search_finds_a_term_without_a_server_of_its_own(browser, address):
    browser.get(f"{address}/search.html?q=lightweight")
    wait_until(browser, "document.querySelectorAll('ul.search li').length > 0")
    found = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, "ul.search li a")]
    assert any("GLOSSARY" in link for link in found)


def test_the_pictures_of_a_lesson_are_there(browser, address):
    browser.get(f"{address}/{PAGES['lesson']}")
    broken = "return [...document.images].filter((each) => each.complete && !each.naturalWidth).length;"
    assert browser.execute_script(broken) == 0
    assert len(browser.find_elements(By.CSS_SELECTOR, ".cell_output img")) > 5


def test_the_pages_are_named_after_files_that_exist():
    for page in PAGES.values():
        if not page.startswith("api/"):
            sources = [ROOT / Path(page).with_suffix(ending) for ending in (".md", ".ipynb")]
            assert any(source.is_file() for source in sources), page
