"""The slides hold what the lessons hold, in one file that needs nothing else."""

import re
import tomllib
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import make_slides
from helpers import LESSONS


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    made = make_slides.make(tmp_path_factory.mktemp("slides"))
    return BeautifulSoup(made.read_text(encoding="utf-8"), "html.parser")


def listed() -> list[dict]:
    return tomllib.loads((make_slides.HERE / "deck.toml").read_text(encoding="utf-8"))["slide"]


def test_every_slide_that_is_listed_is_there_in_the_order_of_the_lessons(page):
    assert len(page.select("section")) == len(listed()) >= 40
    lessons = [each["lesson"] for each in listed()]
    assert lessons == sorted(lessons)
    assert set(lessons) == {name[:2] for name in LESSONS[:5]}


def test_the_file_needs_nothing_else(page):
    assert not page.select("script[src], link, iframe, [src^=http]")
    for image in page.select("img"):
        assert image["src"].startswith("data:image/png;base64,")
        assert len(image["alt"]) > 20
    assert all(link["href"].startswith("http") for link in page.select("a"))
    assert "url(" not in page.style.text
    assert "@import" not in page.style.text


def test_equations_are_drawn_and_no_markdown_is_left(page):
    assert len(page.select("math")) > 20
    for each in page.select("pre, code, math"):
        each.extract()
    for section in page.select("section"):
        assert not re.search(r"\$|\*\*|\]\(", section.text), section.text


def test_a_slide_is_no_page_of_text(page):
    for section in page.select("section"):
        assert len(section.text.split()) <= 330, section.find(["h1", "h2"]).text


def test_predictions_come_before_their_answers():
    titles = [each.get("title", "") for each in listed()]
    for place, title in enumerate(titles):
        if title.startswith("Predict"):
            assert listed()[place + 1]["lesson"] == listed()[place]["lesson"]


@pytest.mark.parametrize(
    ("section", "wanted", "said"),
    [
        ("9 · Nowhere", "figure 1", "has no section '9 · Nowhere'"),
        ("5 · Fine-tuning", "figure 9", "has no 'figure 9'"),
        ("5 · Fine-tuning", "code nothing like this", "has no 'code nothing"),
        ("5 · Fine-tuning", "No such words", "has no 'No such words'"),
    ],
)
def test_what_a_lesson_does_not_hold_is_named(tmp_path: Path, section, wanted, said):
    lesson = make_slides.Lesson(make_slides.LESSONS / "00_start_here.ipynb", tmp_path)
    with pytest.raises(ValueError, match=re.escape(said)):
        lesson.part(section, wanted)
