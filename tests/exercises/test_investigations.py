"""The page of investigations has an answer for each item of each lesson's "What to try", and for nothing else.

The readers of lessons and page are first shown to work on small made-up texts.
"""

import re

import nbformat
import pytest

from convbert_edu.exercises.definition import exercise_files
from exercise_notebooks import FOLDER, lesson_file
from helpers import LESSONS
from page_reading import broken_links
from pages import title_of

PAGE = FOLDER / "INVESTIGATIONS.md"
NUMBERS = [name[:2] for name in LESSONS]
DIFFICULTY = re.compile(r"\*?\((?:easy|medium|hard), \d+ minutes\)\*?")


def items(text: str) -> list[str]:
    """The numbered items of a text, each in one line."""
    found = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
    return [" ".join(re.split(r"\n\n|\n#", each)[0].split()) for each in found]


def plain(item: str) -> str:
    """An item without difficulty and marks, in small letters."""
    return " ".join(re.sub(r"[*`]", "", DIFFICULTY.sub(" ", item)).split()).lower()


def items_of_lesson(number: str) -> list[str]:
    (text,) = [
        cell.source.split("## What to try")[1]
        for cell in nbformat.read(lesson_file(number), as_version=4).cells
        if cell.cell_type == "markdown" and "## What to try" in cell.source
    ]
    return items(text)


def answers() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """By lesson: its title on the page, and for each item the words that name it and the answer."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        title, _, text = section.partition("\n")
        named = [re.match(r"\*\*(.+?)\*\* (.+)", item) for item in items(text)]
        assert all(named), title
        found[title[:2]] = title, [(each[1].rstrip("."), each[2]) for each in named]
    return found


def test_items_are_read_as_they_are_written():
    text = (
        "\nIntro.\n\n1. **More heads** (easy, 5 minutes). Give it\n   4 heads.\n"
        "2. *(hard, 30 minutes)* Set `a=1`.\n\n## Next"
    )
    assert items(text) == [
        "**More heads** (easy, 5 minutes). Give it 4 heads.",
        "*(hard, 30 minutes)* Set `a=1`.",
    ]
    assert [plain(each) for each in items(text)] == ["more heads . give it 4 heads.", "set a=1."]


def test_the_page_has_the_lessons_in_their_order():
    assert list(answers()) == NUMBERS
    for number, (title, _) in answers().items():
        assert title == title_of(nbformat.read(lesson_file(number), as_version=4))


@pytest.mark.parametrize("number", NUMBERS)
def test_each_item_of_a_lesson_has_its_answer(number):
    wanted, (_, given) = items_of_lesson(number), answers()[number]
    assert len(given) == len(wanted)
    for item, (words, answer) in zip(wanted, given, strict=True):
        assert plain(item).startswith(plain(words)), f"{number}: {words!r} does not begin {item!r}"
        bold = re.match(r"\*\*(.+?)\*\*", item)
        assert bold is None or bold[1].rstrip(".") == words
        assert 20 <= len(answer.split()) <= 80, words


def test_links_and_exercises_exist():
    assert broken_links(PAGE) == []
    named = re.findall(r"[Ee]xercise (\d\d\.\d)\]\((\d\d)_", PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 5
    assert all(number in exercise_files() and number[:2] == lesson for number, lesson in named)
