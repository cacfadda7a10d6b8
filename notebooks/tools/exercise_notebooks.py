"""Make the notebooks of the exercises from their definitions: python notebooks/tools/exercise_notebooks.py

It writes notebooks/exercises/NN_exercises.ipynb, in which readers work, and notebooks/exercises/solutions/
NN_solutions.ipynb, which is run. An exercise is four cells: the task with its hints, the reader's cell, a check that
one can read, and `check`. With `--student` nothing is run, and only the readers' notebooks are written.
"""

import argparse
import ast
import inspect
import re
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import nbclient
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from collect_nano import in_order
from convbert_edu import nano
from convbert_edu.exercises import definition
from convbert_edu.exercises.definition import Exercise, exercise_files, load_exercise, parts_of
from convbert_edu.files import atomic_write
from exercise_texts import marked, starting_cell
from normalise import KERNEL, LANGUAGE, normalise
from pages import title_of

NOTEBOOKS = Path(__file__).resolve().parent.parent
FOLDER = NOTEBOOKS / "exercises"
POINTS = {"easy": 2, "medium": 3, "hard": 4}
POINTS_OF_THE_VISIBLE_CHECK = 1
# Code and formulas, which stay as they are, or a link, of which the words and the target are kept.
CODE_OR_LINK = re.compile(r"`[^`]*`|\$[^$]+\$|(?<!!)\[([^\[\]]*)\]\(([^()\s]+)\)")


def lessons() -> dict[str, list[Exercise]]:
    """Return the exercises of each lesson that has some, by the lesson's number."""
    found: dict[str, list[Exercise]] = defaultdict(list)
    for number in exercise_files():
        found[number[:2]].append(load_exercise(number))
    return dict(found)


def student_notebook(lesson: str, exercises: list[Exercise]) -> nbformat.NotebookNode:
    """Return the notebook in which readers work."""
    return _notebook(lesson, exercises, "exercises", {each.number: starting_cell(each) for each in exercises})


def handed_out(notebook: nbformat.NotebookNode, lesson: str) -> nbformat.NotebookNode:
    """Return the notebook as it is for students who get it outside of the repository.

    Links to files of the repository would lead nowhere there, so their words stay; the last paragraph of the opening,
    which holds nothing else, says instead where lesson and rules are and how to hand the notebook in.
    """
    opening = notebook.cells[0]
    opening.source = opening.source.rpartition("\n\n")[0] + (
        f"\n\nThe lesson is `notebooks/{lesson_file(lesson).name}` of the course, and "
        "`notebooks/exercises/README.md` says how exercises work.\nHand this notebook in under the name that it has, "
        f"`{lesson}_exercises.ipynb`. It is run from its top, so restart the kernel and run all cells before."
    )
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = CODE_OR_LINK.sub(_words_of_relative_link, cell.source)
    return notebook


def _words_of_relative_link(found: re.Match[str]) -> str:
    words, target = found.groups()
    leads_there = target is None or target.startswith("#") or re.match(r"\w+:", target)
    return found[0] if leads_there else words


def solution_notebook(lesson: str, exercises: list[Exercise]) -> nbformat.NotebookNode:
    """Return the notebook with the solutions, not yet run."""
    return _notebook(lesson, exercises, "solutions", {each.number: each.source for each in exercises})


def nbgrader_notebook(lesson: str, exercises: list[Exercise]) -> nbformat.NotebookNode:
    """Return nbgrader's source version: solutions between its marks, and points for the two checks."""
    notebook = _notebook(
        lesson,
        exercises,
        "exercises",
        {each.number: marked(each.source) for each in exercises},
        for_nbgrader=True,
    )
    points = {each.number: POINTS[each.difficulty] for each in exercises}
    for cell in notebook.cells:
        kind, _, number = cell.id.partition("-")
        if kind in ("answer", "shown", "check"):
            graded = {"shown": POINTS_OF_THE_VISIBLE_CHECK, "check": points.get(number.replace("-", "."))}
            cell.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade_id": cell.id,
                "grade": kind in graded,
                "solution": kind == "answer",
                "locked": kind in graded,
                "task": False,
                **({"points": graded[kind]} if kind in graded else {}),
            }
    return notebook


def lesson_file(lesson: str) -> Path:
    """Return the notebook of a lesson."""
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    return path


def _notebook(
    lesson: str, exercises: list[Exercise], kind: str, answers: dict[str, str], for_nbgrader: bool = False
) -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell(_opening(lesson, exercises, kind), id="opening"),
        new_code_cell(_imports(exercises), id="imports"),
    ]
    for exercise in exercises:
        place = exercise.number.replace(".", "-")
        call = f'check("{exercise.number}", {exercise.name})' + (".require()" if for_nbgrader else "")
        cells += [
            new_markdown_cell(_task(exercise), id=f"task-{place}"),
            new_code_cell(answers[exercise.number], id=f"answer-{place}"),
            new_code_cell(visible_check(exercise), id=f"shown-{place}"),
            new_code_cell(call, id=f"check-{place}"),
        ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": LANGUAGE})


def _opening(lesson: str, exercises: list[Exercise], kind: str) -> str:
    minutes = sum(each.minutes for each in exercises)
    path = lesson_file(lesson)
    title = title_of(nbformat.read(path, as_version=4))
    up = "" if kind == "exercises" else "../"
    other = f"solutions/{lesson}_solutions.ipynb" if kind == "exercises" else f"../{lesson}_exercises.ipynb"
    text = f"# {kind.capitalize()} · {title}\n\n"
    if kind == "exercises":
        text += (
            f"{len(exercises)} exercises, about {minutes} minutes. Write your answer into the cell below each task. "
            "The cell after it is a check that you\ncan read; the last one compares your answer with the solution on "
            "more inputs and gives a hint for the mistake that was\nmade. `hint(number)` shows the first hint, "
            "`hint(number, 2)` the second.\n\n"
        )
    else:
        text += (
            "One right answer to each exercise. Where a lesson writes the same class, the answer is the lesson's "
            "cell.\n\n"
        )
    lesson_link = f"[Lesson {lesson}]({up}../{path.name})"
    quiz = f"[quiz](quizzes/{lesson}_quiz.md) · " if kind == "exercises" else ""
    return text + (
        f"{lesson_link} · [{'solutions' if kind == 'exercises' else 'exercises'}]({other}) · {quiz}"
        f"[how exercises work]({up}README.md)"
    )


def _task(exercise: Exercise) -> str:
    hints = "\n".join(
        f"{number}. {' '.join(text.split())}" for number, text in enumerate(exercise.hints, start=1)
    )
    return (
        f"## {exercise.number} · {exercise.title}\n\n*{exercise.difficulty}, {exercise.minutes} minutes*\n\n"
        f"{exercise.task.strip()}\n\n<details><summary>Hints</summary>\n\n{hints}\n\n</details>"
    )


def visible_check(exercise: Exercise) -> str:
    """Return the cell with the check that one can read: the body of the definition's `shown`."""
    source = textwrap.dedent(inspect.getsource(exercise.shown))
    (function,) = ast.parse(source).body
    # Its docstring becomes a comment.
    lines = source.splitlines()[function.body[0].end_lineno :]
    return f"# {ast.get_docstring(function)}\n" + textwrap.dedent("\n".join(lines))


def _imports(exercises: list[Exercise]) -> str:
    """Return the first cell: what the answers and the checks import, and the classes that earlier lessons built."""
    # By the name that an import gives: where it comes from.
    sources: dict[str, str] = {}
    written: set[str] = set()
    needed: list[str] = []
    for exercise in exercises:
        code = f"{exercise.source}\n{visible_check(exercise)}"
        names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        for module in (exercise.solution.__module__, exercise.shown.__module__):
            sources |= {
                name: line for name, line in _import_lines(sys.modules[module]).items() if name in names
            }
        needed += [part for part in parts_of(exercise) if part not in written and part not in needed]
        written.add(exercise.name)
    offered = any("built(" in exercise.task for exercise in exercises)
    ours = ["check", "hint", *(["built"] if needed or offered else [])]
    sources |= dict.fromkeys(ours, "from convbert_edu.exercises import")
    lines = {line for line in sources.values() if line.startswith("import ")}
    for start in {line for line in sources.values() if line.startswith("from ")}:
        lines.add(f"{start} {', '.join(sorted(name for name, line in sources.items() if line == start))}")
    cell = in_order(lines)
    if needed:
        left = ", ".join(needed) if len(needed) > 1 else f"({needed[0]},)"
        quoted = ", ".join(f'"{name}"' for name in needed)
        cell += f"\n{left} = built({quoted})"
    return cell.strip() + ("\n\n_ = torch.manual_seed(0)" if "torch" in sources else "")


def _import_lines(module: ModuleType) -> dict[str, str]:
    """Return the imports at the top of a module by the names that they give; nano's classes are left out."""
    found = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0]: f"import {alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module not in (nano.__name__, definition.__name__):
            # The configuration is imported as readers know it.
            source = node.module.replace("convbert_edu.config", "convbert_edu")
            found |= {alias.name: f"from {source} import" for alias in node.names}
    return found


def write(path: Path, notebook: nbformat.NotebookNode) -> None:
    """Write a notebook where it differs from what is there."""
    text = nbformat.writes(notebook) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with atomic_write(path, "w") as file:
            file.write(text)
        print("wrote", path)


def main(arguments: list[str]) -> None:
    """Write the notebooks of all lessons, or of those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers such as 03; all where none is given")
    parser.add_argument("--student", action="store_true", help="do not run the solutions")
    options = parser.parse_args(arguments)
    for lesson, exercises in lessons().items():
        if options.lessons and lesson not in options.lessons:
            continue
        write(FOLDER / f"{lesson}_exercises.ipynb", student_notebook(lesson, exercises))
        if not options.student:
            notebook = solution_notebook(lesson, exercises)
            nbclient.NotebookClient(
                notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}
            ).execute()
            write(FOLDER / "solutions" / f"{lesson}_solutions.ipynb", normalise(notebook))


if __name__ == "__main__":
    main(sys.argv[1:])
