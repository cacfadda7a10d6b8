"""Run one submission and grade its answers; course.py starts it in a process of its own.

    python course_worker.py NOTEBOOK RESULTS LESSON CELL_SECONDS MEGABYTES

The reader's cells are run one after the other, and each answer is graded as soon as its cell was run, so that what
comes later cannot take it away. The checks are those of the definitions, never those of the notebook. Each result is a
line of JSON in RESULTS.
"""

import builtins
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import torch
from IPython.core.inputtransformer2 import TransformerManager

from convbert_edu.exercises.checking import check_answer
from convbert_edu.exercises.definition import Exercise, exercise_files, load_exercise


class OutOfTime(BaseException):
    """A cell took too long; no `except Exception` of a submission catches this."""


def limit_memory(megabytes: int) -> None:
    """Allow this process so much more memory than it has now, where the system can do that."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, OSError, ValueError):
        # Not Linux: there is only the limit of time.
        pass


def within(seconds: float, action: Callable[[], Any]) -> Any:
    """Call a function; raise OutOfTime in it after so many seconds, and again while it goes on."""
    if not hasattr(signal, "setitimer"):
        return action()

    def stop(*_: Any) -> None:
        raise OutOfTime

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        return action()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


class Grader:
    """The names of one notebook, what went wrong in its cells, and the results so far."""

    def __init__(self, exercises: list[Exercise], results: Path, seconds: float) -> None:
        self.exercises = {each.number: each for each in exercises}
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.results, self.seconds = results, seconds
        self.failures: dict[str, str] = {}
        self.passed: set[str] = set()

    def run(self, source: str) -> str:
        """Run a cell in the names of the notebook; return what went wrong in it."""
        try:
            code = compile(TransformerManager().transform_cell(source), "<cell>", "exec")
            within(self.seconds, lambda: exec(code, self.names))
        except OutOfTime:
            return f"The cell took longer than {self.seconds:g} seconds."
        except SyntaxError as error:
            return f"The cell is no Python: line {error.lineno}: {error.msg}."
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return f"The cell raised {type(error).__name__}: {error}"
        return ""

    def grade(self, number: str) -> None:
        """Grade one answer as it stands now, and write the result."""
        exercise = self.exercises[number]
        shown, result = False, None
        message = self.failures.get(number, "")
        if exercise.name not in self.names:
            message = message or f"{exercise.name} is not defined in the notebook."
        else:
            answer = self.names[exercise.name]
            try:
                result = within(self.seconds, lambda: check_answer(exercise, answer))
                within(self.seconds, lambda: exercise.shown(answer))
                shown = True
            except OutOfTime:
                message = f"The answer took longer than {self.seconds:g} seconds."
            except BaseException as error:
                failed = "".join(traceback.format_exception_only(error)).strip()
                message = f"The check that one can read failed: {failed}"
        passed = result is not None and result.passed
        if result is not None:
            message = f"{result.text}\n{message}".strip()
        self.passed |= {number} if passed else set()
        entry = {"exercise": number, "passed": passed, "shown": shown, "message": message}
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def main(notebook: str, results: str, lesson: str, seconds: str, megabytes: str) -> None:
    """Run and grade one notebook."""
    exercises = [load_exercise(number) for number in exercise_files() if number.startswith(lesson)]
    # Read now: a submission may delete files.
    assert all(each.source for each in exercises)
    grader = Grader(exercises, Path(results), float(seconds))
    # input() waits for somebody who is not there.
    builtins.input = _no_input
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except Exception as error:
        for exercise in exercises:
            grader.failures[exercise.number] = (
                f"The file is no notebook that can be read: {type(error).__name__}."
            )
            grader.grade(exercise.number)
        return
    limit_memory(int(megabytes))
    torch.manual_seed(0)
    sys.argv = [""]
    # It may print without end.
    sys.stdout = sys.stderr = open(os.devnull, "w")
    for cell in cells:
        kind, _, place = cell.get("id", "").partition("-")
        number = place.replace("-", ".")
        if cell.cell_type != "code" or (kind in ("shown", "check") and number in grader.exercises):
            # These checks may have been changed; the definitions' are taken.
            continue
        failure = grader.run(cell.source)
        if number in grader.exercises:
            if failure:
                grader.failures[number] = failure
            grader.grade(number)
    # Answers whose cells have lost their names, and such as need what a later cell defines.
    for number in grader.exercises.keys() - grader.passed:
        grader.grade(number)


def _no_input(*_: Any) -> str:
    raise RuntimeError("nobody answers input() here")


if __name__ == "__main__":
    main(*sys.argv[1:])
