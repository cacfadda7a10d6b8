"""The notebooks of the exercises are what their definitions say, and the page that lists them is complete."""

import re
import subprocess
import sys

import nbformat
import pytest

import start
from convbert_edu.exercises.definition import exercise_files, load_exercise
from exercise_notebooks import (
    FOLDER,
    lesson_file,
    lessons,
    nbgrader_notebook,
    solution_notebook,
    student_notebook,
)
from exercise_texts import BEGIN, END, cleared, marked, starting_cell
from helpers import LESSONS, ROOT
from page_reading import broken_links, links, text_of

AGAIN = "run: python notebooks/tools/exercise_notebooks.py"


@pytest.fixture(params=lessons())
def lesson(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_readers_notebook_is_what_the_definitions_say(lesson):
    stored = nbformat.read(FOLDER / f"{lesson}_exercises.ipynb", as_version=4)
    wanted = student_notebook(lesson, lessons()[lesson])
    assert [cell.id for cell in stored.cells if cell.id in {each.id for each in wanted.cells}] == [
        cell.id for cell in wanted.cells
    ]
    texts = {cell.id: cell.source for cell in stored.cells}
    for cell in wanted.cells:
        # In the answers, readers have written.
        if not cell.id.startswith("answer"):
            assert texts[cell.id] == cell.source, AGAIN


def test_what_a_task_takes_with_built_works_as_it_stands_there(lesson):
    cells = {cell.id: cell.source for cell in student_notebook(lesson, lessons()[lesson]).cells}
    tasks = " ".join(source for name, source in cells.items() if name.startswith("task"))
    if "built(" in tasks:
        assert re.search(r"import built\b", cells["imports"])
    # `built` returns a list, so a single class has to be taken out of it.
    for name in re.findall(r'built\("(\w+)"\)', tasks):
        assert re.search(rf'\({name},\) =\s+built\("{name}"\)', tasks)


def test_the_notebook_with_solutions_was_run_and_all_answers_were_right(lesson):
    stored = nbformat.read(FOLDER / "solutions" / f"{lesson}_solutions.ipynb", as_version=4)
    exercises = lessons()[lesson]
    wanted = solution_notebook(lesson, exercises)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in wanted.cells], AGAIN
    said = []
    for cell in stored.cells:
        if cell.cell_type == "code":
            assert cell.execution_count is not None, AGAIN
            assert not [output for output in cell.outputs if output.output_type == "error"]
            if cell.source.startswith("check("):
                said.append(cell.outputs[0].data["text/plain"])
    assert [text.split(":")[0] for text in said] == [f"{each.number} {each.title}" for each in exercises]
    assert all(": right, in " in text for text in said)


def test_cells_are_short_and_links_lead_somewhere(lesson):
    for path in (FOLDER / f"{lesson}_exercises.ipynb", FOLDER / "solutions" / f"{lesson}_solutions.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and not cell.id.startswith("answer"):
                assert cell.source.count("\n") < 40
        assert broken_links(path) == []


def test_a_cleared_answer_is_what_nbgrader_leaves(lesson):
    notebook = nbgrader_notebook(lesson, lessons()[lesson])
    for exercise in lessons()[lesson]:
        (cell,) = [
            each for each in notebook.cells if each.id == f"answer-{exercise.number.replace('.', '-')}"
        ]
        assert cell.source.count(BEGIN) == cell.source.count(END) >= 1
        assert cleared(cell.source) == starting_cell(exercise)
        without_marks = "\n".join(
            line for line in cell.source.splitlines() if line.strip() not in (BEGIN, END)
        )
        assert without_marks == exercise.source


def test_marks_stand_around_bodies_and_leave_names_and_docstrings():
    source = "def f(\n    a,\n    b=1,\n):\n    # Why.\n    c = a + b\n    return c"
    assert cleared(marked(source)).splitlines()[4:] == [
        "    # YOUR CODE HERE",
        "    raise NotImplementedError()",
    ]
    documented = 'class A:\n    """What."""\n\n    size = 3\n\n    def g(self):\n        """How."""\n        return 1\n'
    text = cleared(marked(documented))
    assert '"""How."""' in text
    assert "return 1" not in text
    assert "size = 3" in text


def test_the_readers_notebook_runs_up_to_the_first_cell_without_an_answer(tmp_path):
    notebook = student_notebook("05", lessons()["05"])
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    (tmp_path / "cells.py").write_text("\n\n".join(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "cells.py"], cwd=tmp_path, capture_output=True, text=True, env=_environment()
    )
    assert "NotImplementedError" in done.stderr
    # In the visible check of the first exercise, and not before.
    assert "layer = GroupedLinear(6, 4, 2)" in done.stderr


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_page_lists_every_exercise():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d\d\.\d+) \| (.*?) \|", page, flags=re.MULTILINE))
    assert rows == {number: load_exercise(number).title for number in exercise_files()}
    for number in exercise_files():
        exercise = load_exercise(number)
        assert f"| {number} | {exercise.title} | {exercise.difficulty} | {exercise.minutes} |" in page


def test_a_lesson_leads_to_its_exercises_and_they_lead_back(lesson):
    cells = nbformat.read(lesson_file(lesson), as_version=4).cells
    assert any(f"](exercises/{lesson}_exercises.ipynb)" in cell.source for cell in cells)
    exercises = nbformat.read(FOLDER / f"{lesson}_exercises.ipynb", as_version=4).cells
    assert f"](../{lesson_file(lesson).name})" in exercises[0].source


def test_a_link_to_an_exercise_leads_to_its_task():
    """JupyterLab scrolls to the cell that a link names; the book makes it a link to the heading there."""
    pages = [*ROOT.glob("notebooks/**/*.ipynb"), *ROOT.glob("notebooks/**/*.md")]
    leading = [
        (found[1], target)
        for path in pages
        for words, target in links(text_of(path))
        if (found := re.fullmatch(r"[Ee]xercise (\d\d\.\d+)", words))
    ]
    assert len(leading) >= 9
    for number, target in leading:
        notebook, _, place = target.rpartition("/")[2].partition("#")
        assert notebook == f"{number[:2]}_exercises.ipynb"
        (cell,) = [
            each
            for each in nbformat.read(FOLDER / notebook, as_version=4).cells
            if f"cell-id={each.id}" == place
        ]
        assert cell.source.startswith(f"## {number} · {load_exercise(number).title}\n")


def test_every_lesson_with_exercises_is_there():
    assert all(lesson_file(number).exists() for number in lessons())
    assert {name[:2] for name in LESSONS} == set(lessons())
    assert all(len(exercises) >= 2 for exercises in lessons().values())


def test_the_readme_names_the_nbgrader_that_the_tests_run():
    assert f"pip install {start.NBGRADER}\n" in (FOLDER / "README.md").read_text(encoding="utf-8")
