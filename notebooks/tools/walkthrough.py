"""Run every lesson without a browser and write it as a web page: python notebooks/tools/walkthrough.py

The pages and their list, build/walkthrough/index.html, can be read without any network.
A lesson that fails is named, the others are still run, and the command ends with an error. A lesson whose data cannot
be fetched is left out.
"""

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import jinja2
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

from convbert_edu.files import atomic_write
from needed_data import why_left_out
from pages import PageExporter, title_of

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent / "templates"
CELL_TIMEOUT = 300  # seconds


@dataclass
class Result:
    """What became of one lesson."""

    page: str
    title: str
    question: str
    seconds: float = 0.0
    failure: str = ""


def walk(lessons: list[Path], folder: Path) -> list[Result]:
    """Run the lessons one after the other and write their pages and the list of them into `folder`."""
    results = []
    for lesson in lessons:
        result = _run(lesson, folder)
        print(f"{lesson.name}: {result.failure or 'passed'} ({result.seconds:.0f} s)", flush=True)
        results.append(result)
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True).get_template(
        "lesson_list.html.j2"
    )
    with atomic_write(folder / "index.html", "w") as file:
        file.write(template.render(results=results))
    return results


def _run(lesson: Path, folder: Path) -> Result:
    """Run one lesson and write its page, also when a cell fails: the page then ends with the error."""
    notebook = nbformat.read(lesson, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    result = Result(f"{lesson.stem}.html", title_of(notebook) or lesson.stem, _first_question(text))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        extra_arguments=[
            "--log-level=ERROR"
        ],  # its warning about encryption is not for a kernel on this machine
        resources={"metadata": {"path": str(lesson.parent)}},
    )
    start = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        result.failure = f"{error.ename}: {error.evalue}"
    except (
        CellControlSignal,
        DeadKernelError,
    ) as error:  # a cell that took too long, or took the kernel with it
        result.failure = str(error)
    result.seconds = time.perf_counter() - start
    try:
        page = PageExporter(lesson.parent, folder).page(notebook)
        with atomic_write(folder / result.page, "w") as file:
            file.write(page)
    except ValueError as error:  # an equation that cannot be drawn
        result.failure = result.failure or str(error)
    return result


def _first_question(text: str) -> str:
    """The first sentence of a lesson that ends with a question mark, without its emphasis."""
    question = re.search(r"[^.!?:\n]+\?", text)
    return question[0].strip("*_#> ") if question else ""


if __name__ == "__main__":
    output = ROOT / "build" / "walkthrough"
    lessons = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    for reason in filter(None, (why_left_out(lesson.stem) for lesson in lessons)):
        print(reason)
    results = walk([lesson for lesson in lessons if not why_left_out(lesson.stem)], output)
    failed = [result for result in results if result.failure]
    print(f"The pages: {(output / 'index.html').relative_to(ROOT)}")
    if failed:
        sys.exit("Failed: " + ", ".join(result.title for result in failed))
