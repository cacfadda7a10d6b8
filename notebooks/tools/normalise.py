"""Bring executed lessons into the one form in which they are committed: python notebooks/tools/normalise.py FILES

Outputs, execution counts and tags stay, and so does the mark that folds a cell's output up until it is asked for.
Timings, progress bars, paths of the machine and traces of the editor go, cell ids and counts are numbered in order.
Running it twice changes nothing. A lesson in which a cell wrote anything else to stderr (a warning, messages of a
library) is refused: readers would have to guess whether something went wrong.
"""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from convbert_edu.files import atomic_write

ROOT = Path(__file__).resolve().parents[2]

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "pygments_lexer": "ipython3",
}

WIDGET = "application/vnd.jupyter.widget-view+json"

# Lines that were written over, each time from a carriage return on.
PROGRESS_BAR = re.compile(r"^\r[^\n]*\n?", re.MULTILINE)

# What a machine calls its folders, and what it is called in a lesson; the longer path comes first.
MACHINE_PATHS = (
    (re.compile(r"\S*ipykernel_\d+/\d+\.py"), "this cell"),
    (re.compile(re.escape(sys.prefix)), ".venv"),
    (re.compile(re.escape(f"{ROOT}/")), ""),
    (re.compile(re.escape(f"{Path.home()}/")), "~/"),
)


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook in the committed form; ValueError where a cell wrote to stderr."""
    notebook = nbformat.from_dict(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE}
    count = 0
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
        cell.metadata = _kept_metadata(cell.metadata)
        if cell.cell_type != "code":
            continue
        if cell.execution_count is not None:
            count += 1
            cell.execution_count = count
        cell.outputs = _normalise_outputs(cell.outputs, cell.execution_count)
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                raise ValueError(
                    f"{cell.id} wrote to stderr: {output.text!r}; mend what the message is about or keep it from "
                    "being written, and run the lesson again"
                )
    return nbformat.from_dict(notebook)


def _kept_metadata(metadata: NotebookNode) -> dict[str, Any]:
    """Return what stays of a cell's metadata: its tags, and whether JupyterLab opens it with its output folded up."""
    kept = {"tags": metadata["tags"]} if metadata.get("tags") else {}
    if metadata.get("jupyter", {}).get("outputs_hidden") is True:
        # What else stands in there, such as a folded source, is the state of somebody's editor.
        kept["jupyter"] = {"outputs_hidden": True}
    return kept


def _normalise_outputs(outputs: list[NotebookNode], count: int | None) -> list[NotebookNode]:
    """Clean the outputs of one cell; pieces of one stream that follow each other become one output."""
    joined: list[NotebookNode] = []
    for output in outputs:
        output = _without_machine_paths(output)
        if output.output_type == "stream":
            output.text = PROGRESS_BAR.sub("", output.text)
            # Progress bars leave the ends of their lines behind.
            if not (output.text.strip() if output.name == "stderr" else output.text):
                continue
        if "image/png" in output.get("data", {}):
            # Controls that also brought a picture: the picture stays, they would show nothing without their kernel.
            output.data.pop(WIDGET, None)
        if output.output_type == "execute_result":
            output.execution_count = count
        same_stream = joined and output.output_type == joined[-1].output_type == "stream"
        if same_stream and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _without_machine_paths(value):
    """Replace paths of this machine in every text inside `value`; pictures are left alone."""
    if isinstance(value, str):
        for pattern, name in MACHINE_PATHS:
            value = pattern.sub(name, value)
        return value
    if isinstance(value, list):
        return [_without_machine_paths(item) for item in value]
    if isinstance(value, dict):
        return NotebookNode(
            {
                key: item if key.startswith("image/") else _without_machine_paths(item)
                for key, item in value.items()
            }
        )
    return value


def main(names: list[str]) -> None:
    """Normalise the named files in place; stop at one that is refused, which stays as it is."""
    for name in names:
        before = Path(name).read_text(encoding="utf-8")
        try:
            after = nbformat.writes(normalise(nbformat.reads(before, as_version=4))) + "\n"
        except ValueError as error:
            sys.exit(f"{name}: {error}")
        if after != before:
            with atomic_write(name, "w") as file:
                file.write(after)
            print(f"normalised {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
