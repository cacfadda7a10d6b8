"""The cells of one lesson, one after the other, in this process: python -m gpu_stages.cells LESSON RESULT.

As plain Python, because Jupyter is not everywhere. A cell that fails is noted, and the next one is tried. Nothing is
displayed; figures are drawn and closed.
"""

import importlib.util
import sys
import time
import types
from pathlib import Path
from typing import Any

from gpu_stages.results import StageFile, error_of

ERRORS_KEPT = 10


def pretend_display() -> None:
    """Put an empty IPython.display where there is no IPython: one lesson imports it."""
    if importlib.util.find_spec("IPython") is not None:
        return
    package, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    package.get_ipython = lambda: None
    display.display = display.HTML = lambda *anything, **more: None
    package.display = display
    sys.modules |= {"IPython": package, "IPython.display": display}


def run_cells(sources: list[str], file: StageFile) -> None:
    """Run the cells in one namespace; write after each of them how far it came and what went wrong."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    errors: list[dict[str, Any]] = []
    file.write(cells=len(sources), done=0, errors=errors)
    began = time.perf_counter()
    for number, source in enumerate(sources):
        try:
            exec(compile(source, f"cell {number}", "exec"), namespace)
        except Exception as error:
            if len(errors) < ERRORS_KEPT:
                errors.append({"cell": number, "first_line": source.partition("\n")[0], **error_of(error)})
        file.write(done=number + 1, errors=errors, seconds=round(time.perf_counter() - began, 1))


def main(lesson: str, result: str) -> None:
    """Run a lesson and write the result."""
    import matplotlib

    from gpu_stages.lessons import code_cells

    matplotlib.use("agg")
    pretend_display()
    run_cells(code_cells(Path(lesson)), StageFile(Path(result)))


if __name__ == "__main__":
    main(*sys.argv[1:])
