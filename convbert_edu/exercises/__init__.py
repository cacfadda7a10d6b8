"""What readers build themselves: `built` takes it into later lessons, and `check` says whether it is right.

The classes of lessons 01 to 05 are theirs where they keep them in my_convbert.py, and nano.py's where not. The
exercises of lessons 00 to 18 are defined in notebooks/exercises/source/; checking.py compares an answer with them.
It is imported when something is checked, since lessons that only take what was built do not need it.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from convbert_edu import nano

if TYPE_CHECKING:
    from convbert_edu.exercises.checking import CheckResult

OWN = "my_convbert"


def built(*names: str) -> list[Any]:
    """Return the classes and functions that earlier lessons built, in the order of `names`.

    A file my_convbert.py beside the lessons comes first: what it defines is taken from there, and a line says so.
    The notebooks in the folder exercises/ find it there, too, unless one stands beside them.
    All else comes from convbert_edu/nano.py. Raises AttributeError for a name that no lesson builds, and whatever
    an own file raises when it is imported.
    """
    own = _own_module()
    found = []
    for name in names:
        if not hasattr(nano, name):
            from convbert_edu.exercises.definition import lesson_names

            raise AttributeError(
                f"no lesson builds {name!r}; lessons 01 to 05 build {', '.join(lesson_names())}"
            )
        if own is not None and hasattr(own, name):
            print(f"{name} is yours, from {OWN}.py")
            found.append(getattr(own, name))
        else:
            found.append(getattr(nano, name))
    return found


def _own_module() -> ModuleType | None:
    before = list(sys.path)
    # No further up: what lies in a folder above by chance is not the reader's.
    sys.path.append(str(Path.cwd().parent))
    try:
        return importlib.import_module(OWN)
    except ModuleNotFoundError as error:
        if error.name != OWN:
            raise
        return None
    finally:
        sys.path[:] = before


def check(number: str, answer: Any) -> "CheckResult":
    """Say whether an answer to an exercise is right, with a hint for the mistake that was made, never the solution.

    number: of the exercise, such as "03.1"
    answer: the class or function itself, whatever its name
    Raises ValueError for a number that there is not; nothing that the answer does raises here.
    """
    from convbert_edu.exercises.checking import check_answer
    from convbert_edu.exercises.definition import load_exercise

    return check_answer(load_exercise(number), answer)


def hint(number: str, which: int = 1) -> None:
    """Print a hint of an exercise, the gentlest first. Raises ValueError for one that there is not."""
    from convbert_edu.exercises.definition import load_exercise

    exercise = load_exercise(number)
    if not 1 <= which <= len(exercise.hints):
        raise ValueError(f"exercise {exercise.number} has hints 1 to {len(exercise.hints)}, not {which}")
    print(f"Hint {which} of {len(exercise.hints)}: {' '.join(exercise.hints[which - 1].split())}")
