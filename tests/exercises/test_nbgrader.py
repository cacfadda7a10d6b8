"""nbgrader's own command line makes student versions of the exercises, grades submissions and exports the grades.

nbgrader is no dependency of the project. The test runs where it is installed (`pip install nbgrader==0.9.6`), or
where the variable CONVBERT_EDU_NBGRADER names the program of another environment whose kernel knows the package.
"""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from convbert_edu.exercises.definition import FOLDER_VARIABLE, exercises_folder
from course import build, most_points
from exercise_notebooks import lessons, student_notebook
from helpers import ROOT

NBGRADER = os.environ.get("CONVBERT_EDU_NBGRADER") or shutil.which("nbgrader")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NBGRADER is None, reason="nbgrader is not installed")]
LESSON, ASSIGNMENT, NOTEBOOK = "03", "lesson_03", "03_exercises.ipynb"


def run(folder: Path, *words: str) -> str:
    """Run a command of nbgrader in its course folder, with a home of its own."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    # nbgrader calls a program that stands beside it.
    path = os.pathsep.join([str(Path(NBGRADER).parent), os.environ["PATH"]])
    own = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), FOLDER_VARIABLE: str(exercises_folder())}
    done = subprocess.run(
        [NBGRADER, *words], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def submit(folder: Path, student: str, answers: dict[str, str]) -> None:
    """Hand in what nbgrader released, with these answers."""
    notebook = nbformat.read(folder / "release" / ASSIGNMENT / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        number = (
            cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("answer-").replace("-", ".")
        )
        cell.source = answers.get(number, cell.source)
    path = folder / "submitted" / student / ASSIGNMENT / NOTEBOOK
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def test_from_the_source_to_the_grades(tmp_path):
    build(tmp_path)
    folder = tmp_path / "nbgrader"
    run(folder, "generate_assignment", ASSIGNMENT, "--create")
    released = nbformat.read(folder / "release" / ASSIGNMENT / NOTEBOOK, as_version=4)
    exercises = lessons()[LESSON]
    ours = {cell.id: cell.source for cell in student_notebook(LESSON, exercises).cells}
    for cell in released.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name.startswith("answer"):
            # What nbgrader clears is what our own student versions hold.
            assert cell.source == ours[name]
    right = {each.number: each.source for each in exercises}
    submit(folder, "ada", right)
    submit(folder, "ben", {})
    submit(folder, "cleo", right | {"03.4": "def kernel_for(k, offsets):\n    return [0.0] * k"})
    run(folder, "autograde", ASSIGNMENT, "--create")
    run(folder, "export", "--to", "grades.csv")
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    full = sum(map(most_points, exercises))
    assert scores == {"ada": full, "ben": 0, "cleo": full - most_points(exercises[3])}
