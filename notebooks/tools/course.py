"""A course with the exercises: student versions, nbgrader's source versions, and the grading of submissions.

    python notebooks/tools/course.py build FOLDER      writes FOLDER/student and FOLDER/nbgrader/source
    python notebooks/tools/course.py grade FOLDER      reads FOLDER/submitted/NAME/NN_exercises.ipynb, and writes
                                                       FOLDER/grades.csv and FOLDER/feedback/NAME.txt

Each submission is run in a process of its own (course_worker.py), with limits of time and memory, in an empty folder
that is also its home. A submission cannot stop the others. This keeps accidents away, and is no wall against attacks:
where these must be expected, run the whole command in a container or as a user without rights.
"""

import argparse
import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convbert_edu.exercises.definition import FOLDER_VARIABLE, PRIVATE_VARIABLE, Exercise, exercises_folder
from convbert_edu.files import atomic_path, atomic_write
from exercise_notebooks import (
    POINTS,
    POINTS_OF_THE_VISIBLE_CHECK,
    handed_out,
    lessons,
    nbgrader_notebook,
    student_notebook,
    write,
)

WORKER = Path(__file__).with_name("course_worker.py")
# What is kept of the message of one answer.
LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds for a cell and for the whole notebook, and megabytes of memory."""

    cell_seconds: float = 60.0
    seconds: float = 300.0
    megabytes: int = 2000


@dataclass(frozen=True)
class Grade:
    """The points of one answer, and what the reader is told about it."""

    student: str
    exercise: str
    points: int
    of: int
    message: str


def build(folder: Path) -> None:
    """Write student versions and nbgrader's source versions of all lessons, with no link that leads nowhere."""
    for lesson, exercises in lessons().items():
        name = f"{lesson}_exercises.ipynb"
        write(folder / "student" / name, handed_out(student_notebook(lesson, exercises), lesson))
        write(
            folder / "nbgrader" / "source" / f"lesson_{lesson}" / name,
            handed_out(nbgrader_notebook(lesson, exercises), lesson),
        )


def most_points(exercise: Exercise) -> int:
    """Return the points of a right answer: for the check that one can read, and for `check`."""
    return POINTS_OF_THE_VISIBLE_CHECK + POINTS[exercise.difficulty]


def grade_folder(folder: Path, limits: Limits) -> list[Grade]:
    """Grade every submission of a folder, write grades.csv and feedback, and return the grades.

    What lies there under another name is not graded, and is named.
    Raises FileNotFoundError where there is no submission.
    """
    names = {f"{lesson}_exercises.ipynb" for lesson in lessons()}
    submissions = sorted(path for path in (folder / "submitted").glob("*/*") if path.name in names)
    for path in not_graded(folder / "submitted", submissions):
        print(f"not graded: {path}; a submission is called NAME/NN_exercises.ipynb", flush=True)
    if not submissions:
        raise FileNotFoundError(
            f"there is no submission in {folder / 'submitted'}; each stands in a folder with the student's name, as in "
            f"{Path('submitted', 'ada', '03_exercises.ipynb')}"
        )
    grades: list[Grade] = []
    for path in submissions:
        grades += grade_submission(path, limits)
        own = [each for each in grades if each.student == path.parent.name]
        points, most = sum(each.points for each in own), sum(each.of for each in own)
        print(f"{path.parent.name}: {path.name}, {points} of {most} points so far", flush=True)
    _write_grades(folder / "grades.csv", grades)
    _write_feedback(folder / "feedback", grades)
    return grades


def not_graded(folder: Path, submissions: Sequence[Path]) -> list[Path]:
    """Return the notebooks below a folder that are no submissions; copies that Jupyter makes are left out."""
    return sorted(
        path
        for path in folder.rglob("*.ipynb")
        if path not in submissions and ".ipynb_checkpoints" not in path.parts
    )


def grade_submission(path: Path, limits: Limits) -> list[Grade]:
    """Run one submission and return the grade of each exercise of its lesson; whatever happens in it."""
    lesson, student = path.name[:2], path.parent.name
    exercises = lessons().get(lesson, [])
    with tempfile.TemporaryDirectory(prefix="submission-") as scratch:
        home = Path(scratch, "home")
        home.mkdir()
        # Copies, so that a submission that deletes files deletes its own.
        shutil.copytree(
            exercises_folder(), Path(scratch, "exercises"), ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copy(path, Path(scratch, "submission.ipynb"))
        results = Path(scratch, "results.jsonl")
        results.touch()
        ending = _run(scratch, lesson, limits)
        found = {}
        for line in results.read_text(encoding="utf-8").splitlines() if results.exists() else []:
            entry = json.loads(line)
            found[entry["exercise"]] = entry
    grades = []
    for exercise in exercises:
        entry = found.get(exercise.number)
        points = 0
        message = f"This answer could not be graded: {ending or 'Python ended before it was reached'}."
        if entry is not None:
            points = (
                entry["shown"] * POINTS_OF_THE_VISIBLE_CHECK + entry["passed"] * POINTS[exercise.difficulty]
            )
            message = entry["message"][:LONGEST_MESSAGE]
        grades.append(Grade(student, exercise.number, points, most_points(exercise), message))
    return grades


def _run(scratch: str, lesson: str, limits: Limits) -> str:
    """Run the worker on what lies in a folder; return how it ended where that was not well."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
    home = str(Path(scratch, "home"))
    environment |= {
        "HOME": home,
        "USERPROFILE": home,
        "TMPDIR": home,
        "MPLBACKEND": "agg",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        FOLDER_VARIABLE: str(Path(scratch, "exercises")),
    }
    if os.environ.get(PRIVATE_VARIABLE):
        # The worker runs in another folder.
        environment[PRIVATE_VARIABLE] = str(Path(os.environ[PRIVATE_VARIABLE]).resolve())
    package = str(Path(sys.modules["convbert_edu"].__file__).parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [
        sys.executable, str(WORKER), str(Path(scratch, "submission.ipynb")), str(Path(scratch, "results.jsonl")),
        lesson, str(limits.cell_seconds), str(limits.megabytes),
    ]  # fmt: skip
    # What it prints is not kept: it may be endless.
    process = subprocess.Popen(
        command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        code = process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        return f"the notebook took longer than {limits.seconds:g} seconds"
    finally:
        _end(process)
    return "" if code == 0 else f"Python ended with the code {code} while the notebook was run"


def _end(process: subprocess.Popen) -> None:
    """End a process and all that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _write_grades(path: Path, grades: list[Grade]) -> None:
    """Write a table with a row for each student: points for each exercise, their sum, and the most there is.

    The most is the same in each row, that of all exercises in the table: what somebody did not hand in is an empty
    cell and has no points.
    """
    most = {each.exercise: each.of for each in grades}
    numbers = sorted(
        {each.exercise for each in grades}, key=lambda number: tuple(map(int, number.split(".")))
    )
    with atomic_path(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["student", *numbers, "points", "of"])
        for student in sorted({each.student for each in grades}):
            own = {each.exercise: each for each in grades if each.student == student}
            points = [own[number].points if number in own else "" for number in numbers]
            table.writerow(
                [
                    student,
                    *points,
                    sum(each.points for each in own.values()),
                    sum(most.values()),
                ]
            )


def _write_feedback(folder: Path, grades: list[Grade]) -> None:
    for student in sorted({each.student for each in grades}):
        texts = [
            f"{each.exercise}: {each.points} of {each.of} points\n{each.message}\n"
            for each in grades
            if each.student == student
        ]
        with atomic_write(folder / f"{student}.txt", "w") as file:
            file.write("\n".join(texts))


def main(arguments: Sequence[str]) -> None:
    """Carry out what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("build", "grade", "all"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cell-seconds", type=float, default=Limits.cell_seconds)
    parser.add_argument("--seconds", type=float, default=Limits.seconds)
    parser.add_argument("--megabytes", type=int, default=Limits.megabytes)
    options = parser.parse_args(arguments)
    if options.command in ("build", "all"):
        build(options.folder)
    if options.command == "grade" or (options.command == "all" and (options.folder / "submitted").is_dir()):
        try:
            grade_folder(options.folder, Limits(options.cell_seconds, options.seconds, options.megabytes))
        except FileNotFoundError as error:
            sys.exit(str(error))
        print("wrote", options.folder / "grades.csv", "and", options.folder / "feedback")


if __name__ == "__main__":
    main(sys.argv[1:])
