"""`make test` accepts a lesson whose run differs where it may, and no other."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import start
from helpers import ROOT
from normalise import normalise

# Each run prints another time, address and warning; `answer` is read from a file that a test changes.
LESSON = (
    "import sys, time, pathlib\nimport matplotlib.pyplot as plt\nfrom convbert_edu.visualize import show",
    "print(f'trained in {time.perf_counter():.3f} s', object())",
    "if pathlib.Path('warns').exists():\n    print(time.time(), file=sys.stderr)",
    "fig, ax = plt.subplots(figsize=(2, 1))\nax.plot([time.time(), 1])\nshow(fig, alt='A line')",
    "print('answer', pathlib.Path('answer.txt').read_text())",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one executed lesson and the settings of the real ones."""
    folder = tmp_path_factory.mktemp("lessons")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    (folder / "answer.txt").write_text("42")
    notebook = new_notebook(cells=[new_code_cell(source) for source in LESSON])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    nbformat.write(normalise(notebook), folder / "lesson.ipynb")
    # The machine of the test run has a library that warns; that of the stored outputs had none.
    (folder / "warns").touch()
    return folder


def run_as_make_does(folder) -> subprocess.CompletedProcess:
    """Run pytest on a folder with the options that stand in start.py."""
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    command = [sys.executable, "-m", "pytest", *start.NBVAL, "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_times_addresses_warnings_and_pictures_may_differ(folder):
    run = run_as_make_does(folder)
    assert run.returncode == 0, run.stdout
    assert "5 passed" in run.stdout.splitlines()[-1]


@pytest.mark.slow
def test_an_answer_may_not_differ(folder):
    (folder / "answer.txt").write_text("41")
    run = run_as_make_does(folder)
    assert run.returncode == 1
    assert "1 failed, 4 passed" in run.stdout.splitlines()[-1]
