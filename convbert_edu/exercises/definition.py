"""What an exercise is made of, and where the exercises of lessons 00 to 18 are found.

Each exercise is one file in notebooks/exercises/source/: real Python that defines EXERCISE. Everything else comes from
that file: what `check` says, the notebooks of readers, those with solutions, and nbgrader's.
"""

import ast
import functools
import importlib.util
import inspect
import linecache
import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import convbert_edu
from convbert_edu import nano

# A folder that is searched first, and a teacher's own file with other seeds and cases.
FOLDER_VARIABLE = "CONVBERT_EDU_EXERCISES"
PRIVATE_VARIABLE = "CONVBERT_EDU_PRIVATE_CHECKS"
SEEDS = (1, 2)


@dataclass(frozen=True, eq=False)
class Case:
    """One call of an answer: `inputs` for a function, or for the object that a class makes from `build`.

    gradients: whether they are compared, too; right answers may differ in them, as where a text is only padding
    """

    name: str
    inputs: tuple[Any, ...]
    build: tuple[Any, ...] = ()
    gradients: bool = True


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer: the solution with some pieces of text replaced, and the hint that it must get."""

    name: str
    changes: Sequence[tuple[str, str]]
    hint: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """One exercise. Its solution, its visible check and right answers in other styles are real Python objects.

    number: lesson and place, such as "03.1"
    solution: a class or a function; of a class that a lesson builds, the one in nano.py, which is the lesson's cell
    cases: makes the cases of one seed; it is called after the random numbers were seeded
    shown: a function of the answer whose body stands below the answer in the notebook
    hints: from the gentlest to the plainest; none of them is the solution
    observe: what to look at instead of outputs and gradients, as a function of the answer and of a case's inputs
    """

    number: str
    title: str
    difficulty: str
    minutes: int
    task: str
    solution: Any
    cases: Callable[[], list[Case]]
    shown: Callable[[Any], None]
    hints: Sequence[str]
    mistakes: Sequence[Mistake]
    other_ways: Sequence[Any]
    observe: Callable[..., dict[str, Any]] | None = None

    @property
    def name(self) -> str:
        """The name of the class or function that the reader writes."""
        return self.solution.__name__

    @property
    def builds_a_class(self) -> bool:
        """Whether the answer is a class."""
        return inspect.isclass(self.solution)

    @functools.cached_property
    def source(self) -> str:
        """The text of the solution."""
        return textwrap.dedent(inspect.getsource(self.solution)).strip("\n")

    def wrong_answer(self, *mistakes: Mistake) -> Any:
        """Return the solution with these mistakes in it; ValueError where their texts do not stand in it once."""
        source = self.source
        for mistake in mistakes:
            for old, new in mistake.changes:
                if source.count(old) != 1:
                    raise ValueError(
                        f"exercise {self.number}, mistake {mistake.name!r}: {old!r} stands {source.count(old)} "
                        "times in the solution; give a text that stands there once"
                    )
                source = source.replace(old, new)
        made = run_source(
            source, f"exercise {self.number}: {', '.join(each.name for each in mistakes)}", self.solution
        )
        return made[self.name]


def run_source(source: str, title: str, like: Any) -> dict[str, Any]:
    """Run the text of an answer where the names of `like`'s module are known, and return all names.

    The text gets a title and is kept under it, so that an error in it can show its line.
    """
    file = f"<{title}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {**vars(sys.modules[like.__module__]), "__name__": title}
    exec(compile(source, file, "exec"), names)
    return names


def exercises_folder() -> Path:
    """Return the folder of the definitions: the one that a variable names, or that of the lessons.

    The exercises belong to the lessons, which an installed package does not have: they are looked for beside the
    package, and in the working folder and those above it. Raises FileNotFoundError where they are in none of these.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    here = Path.cwd()
    roots = [Path(convbert_edu.__file__).parent.parent, here, *here.parents]
    folders = [Path(named)] if named else [root / "notebooks" / "exercises" / "source" for root in roots]
    for folder in folders:
        if any(folder.glob("[0-9][0-9]_*.py")):
            return folder
    raise FileNotFoundError(
        f"the exercises are not in {folders[0]}; they come with the lessons: work in a copy of the repository, or let "
        f"the variable {FOLDER_VARIABLE} name the folder notebooks/exercises/source of one"
    )


def exercise_files() -> dict[str, Path]:
    """Return the file of each exercise by its number, in order."""
    found = {}
    for path in exercises_folder().glob("[0-9][0-9]_*.py"):
        lesson, place = path.stem.split("_")[:2]
        found[f"{lesson}.{place}"] = path
    return dict(sorted(found.items(), key=lambda item: tuple(map(int, item[0].split(".")))))


def load_exercise(number: str) -> Exercise:
    """Return an exercise by its number, such as "03.1". Raises ValueError for a number that there is not."""
    files = exercise_files()
    match = re.fullmatch(r"0*(\d+)\.(\d+)", str(number).strip())
    wanted = f"{int(match[1]):02}.{match[2]}" if match else str(number)
    if wanted not in files:
        near = [each for each in files if each.startswith(wanted[:2])] or list(files)
        raise ValueError(f"there is no exercise {number!r}; there are {', '.join(near)}")
    return _load(files[wanted]).EXERCISE


def private_checks() -> ModuleType | None:
    """Return a teacher's file of seeds and cases, where the variable CONVBERT_EDU_PRIVATE_CHECKS names one."""
    path = os.environ.get(PRIVATE_VARIABLE)
    return _load(Path(path)) if path else None


def _load(path: Path) -> ModuleType:
    """Run a file and return its module, under a name that no other module has; a second time the same one."""
    name = f"convbert_edu_exercise_{path.stem}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path.resolve()):
        return known
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def lesson_names() -> list[str]:
    """Return the names of the classes and functions that lessons 01 to 05 build, in their order."""
    return [name for name, value in vars(nano).items() if getattr(value, "__module__", "") == nano.__name__]


def parts_of(exercise: Exercise) -> list[str]:
    """Return the classes of other exercises that the solution is made of, such as SelfAttention in MixedAttention."""
    used = {node.id for node in ast.walk(ast.parse(exercise.source)) if isinstance(node, ast.Name)}
    return [name for name in lesson_names() if name in used and name != exercise.name]
