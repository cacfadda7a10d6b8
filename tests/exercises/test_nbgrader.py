"""nbgrader's own command line makes student versions of the exercises, grades submissions and exports the grades.

nbgrader is no dependency of the project. `python start.py test` gives it an environment of its own, .venv/nbgrader,
which starts the project's Python as its kernel. The variable CONVBERT_EDU_NBGRADER may name the program of another
environment; its kernel must know the package.
"""

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from convbert_edu.exercises.definition import FOLDER_VARIABLE, exercises_folder
from course import build, most_points
from exercise_notebooks import lessons, student_notebook
from helpers import ROOT

SCRIPTS = Path(sys.prefix) / "nbgrader" / ("Scripts" if os.name == "nt" else "bin")
NBGRADER = Path(os.environ.get("CONVBERT_EDU_NBGRADER", SCRIPTS / "nbgrader"))
pytestmark = [pytest.mark.slow, pytest.mark.nbgrader]
LESSON, ASSIGNMENT, NOTEBOOK = "03", "lesson_03", "03_exercises.ipynb"
EXERCISES = lessons()[LESSON]
RIGHT = {each.number: each.source for each in EXERCISES}


def run(folder: Path, *words: str) -> None:
    """Run a command of nbgrader in its course folder, with a home of its own."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    # nbgrader calls a program that stands beside it.
    path = os.pathsep.join([str(NBGRADER.parent), os.environ["PATH"]])
    own = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), FOLDER_VARIABLE: str(exercises_folder())}
    done = subprocess.run(
        [NBGRADER, *words], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr


def submit(folder: Path, student: str, answers: dict[str, str]) -> None:
    """Hand in what nbgrader released, with these answers."""
    notebook = nbformat.read(folder / "release" / ASSIGNMENT / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(name_of(cell).removeprefix("answer-").replace("-", "."), cell.source)
    path = folder / "submitted" / student / ASSIGNMENT / NOTEBOOK
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def name_of(cell: nbformat.NotebookNode) -> str:
    """The name under which nbgrader knows a cell; empty for one that it does not know."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of three students, graded: one with all solutions, one with none, one with one wrong answer."""
    made = tmp_path_factory.mktemp("course")
    build(made)
    folder = made / "nbgrader"
    run(folder, "generate_assignment", ASSIGNMENT, "--create")
    submit(folder, "ada", RIGHT)
    submit(folder, "ben", {})
    submit(folder, "cleo", RIGHT | {"03.4": "def kernel_for(k, offsets):\n    return [0.0] * k"})
    run(folder, "autograde", ASSIGNMENT, "--create")
    run(folder, "export", "--to", "grades.csv")
    return folder


def test_what_nbgrader_releases_holds_no_line_of_a_solution(folder):
    released = nbformat.read(folder / "release" / ASSIGNMENT / NOTEBOOK, as_version=4)
    ours = {cell.id: cell.source for cell in student_notebook(LESSON, EXERCISES).cells}
    answers = {name_of(cell): cell.source for cell in released.cells if name_of(cell).startswith("answer")}
    assert len(answers) == len(EXERCISES)
    # What nbgrader clears is what our own student versions hold.
    assert answers == {name: source for name, source in ours.items() if name in answers}
    given = {line.strip() for cell in released.cells for line in cell.source.splitlines()}
    for exercise in EXERCISES:
        start = set(ours[f"answer-{exercise.number.replace('.', '-')}"].splitlines())
        left_out = {line.strip() for line in exercise.source.splitlines() if line not in start}
        assert not {line for line in left_out & given if len(line) > 20}


def test_full_marks_for_the_solutions_and_none_for_an_empty_submission(folder):
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    full = sum(map(most_points, EXERCISES))
    assert scores == {"ada": full, "ben": 0, "cleo": full - most_points(EXERCISES[3])}


def test_an_empty_submission_runs_up_to_the_first_cell_that_needs_an_answer(folder):
    graded = nbformat.read(folder / "autograded" / "ben" / ASSIGNMENT / NOTEBOOK, as_version=4)
    failed = [
        (name_of(cell) or cell.id, output.ename)
        for cell in graded.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert failed[0] == ("shown-03-1", "NotImplementedError")
    # The checks of `check` say that there is no answer; that is no crash.
    assert {kind for name, kind in failed if name.startswith("check")} == {"AssertionError"}
