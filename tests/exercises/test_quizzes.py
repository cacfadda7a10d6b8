"""Quizzes: three to five questions for each lesson, one right answer to each, an explanation for every answer.

Each check is first shown to find its fault in a small made-up quiz.
"""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from exercise_notebooks import FOLDER, lesson_file, lessons
from helpers import LESSONS, ROOT
from lesson_writing import dead_references, sections, table_of_letters, unknown_symbols, wrong_words
from page_reading import broken_links, links, notation
from pages import title_of

QUIZZES = FOLDER / "quizzes"
NUMBERS = [name[:2] for name in LESSONS]
QUESTION = re.compile(r"^## (\d+) · .+\n", re.MULTILINE)
ANSWER = re.compile(
    r"<details><summary>([a-z])\. (.+?)</summary>\n\n\*\*(Right|No)\.\*\* (.+?)\n\n</details>", re.DOTALL
)
# In the line of <summary> no Markdown is read: a mark would be shown as it is.
MARKDOWN = re.compile(r"[`*$]|\]\(")
SHORTEST_EXPLANATION = 5  # words
LETTERS = table_of_letters(notation((ROOT / "notebooks" / "GLOSSARY.md").read_text(encoding="utf-8")))
SECTIONS = {
    name[:2]: sections(nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)) for name in LESSONS
}


@pytest.fixture(params=NUMBERS)
def number(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def path(number: str) -> Path:
    return QUIZZES / f"{number}_quiz.md"


def questions(text: str) -> list[str]:
    """The questions of a quiz, without their headings."""
    return QUESTION.split(text)[2::2]


def faults_of_form(text: str) -> list[str]:
    """What is wrong with the questions and answers of a quiz; nothing where all is well."""
    asked = questions(text)
    found = [] if 3 <= len(asked) <= 5 else [f"{len(asked)} questions"]
    if QUESTION.findall(text) != [str(count) for count in range(1, len(asked) + 1)]:
        found.append("questions are not numbered 1, 2, 3")
    for count, question in enumerate(asked, start=1):
        answers = ANSWER.findall(question)
        verdicts = [verdict for _, _, verdict, _ in answers]
        explanations = [explanation for *_, explanation in answers]
        checks = {
            "an answer has another form": question.count("<details>")
            == question.count("</details>")
            == len(answers),
            "asks nothing": "?" in question.split("<details>")[0],
            "fewer than three answers": len(answers) >= 3,
            "answers are not lettered a, b, c": [letter for letter, *_ in answers]
            == [chr(ord("a") + place) for place in range(len(answers))],
            f"{verdicts.count('Right')} right answers": verdicts.count("Right") == 1,
            "an explanation is too short": all(
                len(explanation.split()) >= SHORTEST_EXPLANATION for explanation in explanations
            ),
            "an answer stands twice": len({answer for _, answer, *_ in answers}) == len(answers),
            "an explanation stands twice": len(set(explanations)) == len(explanations),
            "Markdown in <summary>": not any(MARKDOWN.search(answer) for _, answer, *_ in answers),
        }
        found += [f"{count}: {fault}" for fault, well in checks.items() if not well]
    return found


def places(texts: list[str]) -> list[str]:
    """The letter of the right answer to each question."""
    return [
        letter
        for text in texts
        for question in questions(text)
        for letter, _, verdict, _ in ANSWER.findall(question)
        if verdict == "Right"
    ]


def longest_is_right(text: str) -> list[bool]:
    """For each question: is the right answer longer than every wrong one?"""
    found = []
    for question in questions(text):
        lengths: dict[str, list[int]] = {"Right": [], "No": []}
        for _, answer, verdict, _ in ANSWER.findall(question):
            lengths[verdict].append(len(re.sub(r"<[^>]*>", "", answer)))
        found.append(max(lengths["Right"]) > max(lengths["No"]))
    return found


def as_lesson(text: str) -> nbformat.NotebookNode:
    """A quiz as a notebook, so that it can be asked what lessons are asked; its HTML is left out."""
    return new_notebook(cells=[new_markdown_cell(re.sub(r"<[^>]*>", "", text))])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# A made-up quiz, whole and broken.

ANSWERS = """<details><summary>a. Yes.</summary>

**No.** This would be another thing.

</details>
<details><summary>b. No, it is not.</summary>

**Right.** This is so for a reason.

</details>
<details><summary>c. Perhaps, <code>sometimes</code>.</summary>

**No.** It never happens, for another reason.

</details>
"""
GOOD = "# Quiz · T\n\n" + "\n".join(f"## {count} · A\n\nIs it so?\n\n{ANSWERS}" for count in (1, 2, 3))


def test_a_good_quiz_has_no_faults():
    assert faults_of_form(GOOD) == []
    assert places([GOOD]) == ["b", "b", "b"]
    assert longest_is_right(GOOD) == [False, False, False]
    assert longest_is_right(GOOD.replace("No, it is not.", "No, it is not, ever, at all.")) == [True] * 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (f"## 3 · A\n\nIs it so?\n\n{ANSWERS}", "", "2 questions"),
        ("## 3 ·", "## 4 ·", "questions are not numbered 1, 2, 3"),
        ("Is it so?", "It is so.", "1: asks nothing"),
        ("**No.** It never", "**Right.** It never", "1: 2 right answers"),
        ("**Right.**", "**No.**", "1: 0 right answers"),
        ("**Right.**", "**Yes.**", "1: an answer has another form"),
        ("**No.** This would be another thing.\n\n", "", "1: an answer has another form"),
        ("This would be another thing.", "Not quite.", "1: an explanation is too short"),
        ("This would be another thing.", "It never happens, for another reason.", "1: an explanation stands twice"),
        ("a. Yes.", "b. Yes.", "1: answers are not lettered a, b, c"),
        ("a. Yes.", "a. No, it is not.", "1: an answer stands twice"),
        ("a. Yes.", "a. Yes, $k$.", "1: Markdown in <summary>"),
        ("<code>sometimes</code>", "`sometimes`", "1: Markdown in <summary>"),
        (ANSWERS, ANSWERS.partition("<details><summary>c")[0], "1: fewer than three answers"),
    ],
)  # fmt: skip
def test_a_fault_is_found(old: str, new: str, fault: str):
    broken = GOOD.replace(old, new, 1)
    assert broken != GOOD
    assert fault in faults_of_form(broken)


def test_faults_of_words_letters_references_and_links_are_found(tmp_path: Path):
    quiz = tmp_path / "quiz.md"
    quiz.write_text(
        f"{GOOD}\nSee lesson 40 and [it](none.ipynb). $N$ heads are too sure.\n", encoding="utf-8"
    )
    lesson = as_lesson(read(quiz))
    assert unknown_symbols(lesson, LETTERS) == ["N"]
    assert wrong_words(lesson) == ["too sure (say: overconfident; calibration)"]
    assert dead_references(lesson, "03", SECTIONS) == ["lesson 40"]
    assert broken_links(quiz) == [("it", "none.ipynb")]


# The quizzes.


def test_each_lesson_has_a_quiz_and_the_page_lists_all_in_their_order():
    assert sorted(path.name for path in QUIZZES.glob("*_quiz.md")) == [
        f"{number}_quiz.md" for number in NUMBERS
    ]
    listed = [link for link in links(read(QUIZZES / "README.md")) if link[1].endswith("_quiz.md")]
    titles = [title_of(nbformat.read(lesson_file(number), as_version=4)) for number in NUMBERS]
    assert listed == [(title, f"{number}_quiz.md") for title, number in zip(titles, NUMBERS, strict=True)]
    assert broken_links(QUIZZES / "README.md") == []


def test_a_quiz_has_three_to_five_questions_with_one_right_answer_and_an_explanation_for_each(path):
    assert faults_of_form(read(path)) == []


def test_a_quiz_names_its_lesson_and_leads_to_it_and_to_its_exercises(number, path):
    lesson = lesson_file(number)
    assert read(path).startswith(f"# Quiz · {title_of(nbformat.read(lesson, as_version=4))}\n")
    targets = [target for _, target in links(read(path))]
    assert f"../../{lesson.name}" in targets
    assert "README.md" in targets
    assert (f"../{number}_exercises.ipynb" in targets) == (number in lessons())
    assert broken_links(path) == []


@pytest.mark.parametrize("number", lessons())
def test_the_exercises_lead_to_the_quiz_and_so_does_their_page(number):
    cells = nbformat.read(FOLDER / f"{number}_exercises.ipynb", as_version=4).cells
    assert f"](quizzes/{number}_quiz.md)" in cells[0].source
    assert "quizzes/README.md" in [target for _, target in links(read(FOLDER / "README.md"))]


def test_the_words_letters_and_references_are_those_of_the_lessons(number, path):
    lesson = as_lesson(read(path))
    assert wrong_words(lesson) == []
    assert unknown_symbols(lesson, LETTERS) == []
    assert dead_references(lesson, number, SECTIONS) == []


def test_neither_the_place_nor_the_length_of_an_answer_gives_it_away():
    texts = [read(path) for path in sorted(QUIZZES.glob("*_quiz.md"))]
    letters = places(texts)
    for letter in "abc":
        assert 0.2 < letters.count(letter) / len(letters) < 0.5
    longest = [each for text in texts for each in longest_is_right(text)]
    assert sum(longest) < 0.5 * len(longest)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_lesson_leads_to_its_quiz(number):
    cells = nbformat.read(lesson_file(number), as_version=4).cells
    assert any(f"(exercises/quizzes/{number}_quiz.md)" in cell.source for cell in cells)
