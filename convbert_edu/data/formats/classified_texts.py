"""Texts with labels of your own: tables (CSV, TSV, JSON lines), or lines that begin with their label."""

import os
import re
import warnings
from typing import Any, Literal

from convbert_edu.data.examples import TextExample
from convbert_edu.data.formats.common import (
    FileExamples,
    OnBad,
    check_one_of,
    collect,
    label_number,
    lines_of,
    names_of,
    one_or_zero_each,
    open_text,
    text_example,
    value_of,
)
from convbert_edu.data.formats.tables import Cells, Table, Unreadable, cells_of, read_table

Problem = Literal["single_label_classification", "multi_label_classification", "regression"]


def read_classified_table(
    path: str | os.PathLike,
    text: str = "text",
    label: str = "label",
    text_pair: str | None = None,
    problem_type: Problem = "single_label_classification",
    label_names: tuple[str, ...] = (),
    quoted: bool = True,
    on_bad: OnBad = "stop",
) -> FileExamples[TextExample]:
    """Read a table whose columns `text`, `label` and, for pairs, `text_pair` are given by name (see `read_table`).

    label_names: those of the training file; without them they are taken from this file
    A cell with several labels parts them by commas; in JSON lines it may be a list, too.
    Raises ValueError where a column is not there, or a row has no text, or a label that is missing or unknown.
    """
    table = read_table(path, quoted=quoted)
    # One column may be all of them, parted in another way than the file's name says.
    parted = " (commas part the cells in .csv, tabs in others)" if len(table.columns) == 1 else ""
    for option, column in (("text", text), ("label", label), ("text_pair", text_pair)):
        if column is not None:
            table.require(
                [column], f'{parted}. Name the column to read: {option}="NAME" (--read {option}=NAME)'
            )
    return examples_of_table(table, (text, text_pair), label, problem_type, label_names, on_bad)


def read_labelled_lines(
    path: str | os.PathLike, label_names: tuple[str, ...] = (), on_bad: OnBad = "stop"
) -> FileExamples[TextExample]:
    """Read a text a line; its first word is its label, a space or tab follows. Empty lines are left out.

    Raises ValueError where a line has no text, or a label that is not among the `label_names` given.
    """
    rows: list[tuple[str, Cells | Unreadable]] = []
    for number, line in enumerate(lines_of(open_text(path).read()), start=1):
        if line.strip():
            label, *rest = line.strip().split(maxsplit=1)
            rows.append((f"line {number}", {"label": label, "text": "".join(rest)}))
    table = Table(path, ("label", "text"), rows)
    return examples_of_table(
        table, ("text", None), "label", "single_label_classification", label_names, on_bad
    )


def examples_of_table(
    table: Table,
    texts: tuple[str, str | None],
    label: str,
    problem_type: Problem,
    label_names: tuple[str, ...],
    on_bad: OnBad,
) -> FileExamples[TextExample]:
    """Make an example of each row; `texts` are the columns of the text and of its pair."""
    check_one_of("problem_type", problem_type, Problem)
    text, text_pair = texts
    table.require([text, label, *([text_pair] if text_pair else [])])
    if problem_type == "regression":
        label_names = ()
    elif not label_names:
        found = [row.get(label) for _, row in table.rows if not isinstance(row, Unreadable)]
        if problem_type == "multi_label_classification":
            label_names = names_of(name for cell in found for name in _several(cell))
        else:
            label_names = names_of(_one(cell) for cell in found if not isinstance(cell, list))
            _warn_of_values(table.path, label_names)

    def make(row: Cells | Unreadable) -> TextExample:
        cells = cells_of(row)
        pair = _text(cells.get(text_pair), text_pair) if text_pair else None
        return text_example(_text(cells.get(text), text), number_of(cells.get(label)), pair)

    def number_of(cell: Any) -> int | float | tuple[int, ...]:
        if problem_type == "regression":
            return value_of(cell)
        if problem_type == "multi_label_classification":
            return one_or_zero_each(_several(cell), label_names)
        if isinstance(cell, list):
            raise ValueError(
                f"the label is a list, {cell}; for any number of labels a text say "
                'problem_type="multi_label_classification" (--read problem_type=...)'
            )
        return label_number(_one(cell), label_names)

    return collect(table.path, table.rows, make, on_bad, label_names)


def _warn_of_values(path: str | os.PathLike, label_names: tuple[str, ...]) -> None:
    """Warn where the names of classes are numbers, but not whole ones: they may be meant as values."""
    fractions = [name for name in label_names if re.fullmatch(r"-?\d*\.\d+", name)]
    if fractions and all(re.fullmatch(r"-?\d*\.?\d+", name) for name in label_names):
        warnings.warn(
            f"{path}: labels such as {fractions[0]} are read as the names of {len(label_names)} classes; where they "
            'are values, say problem_type="regression" (--read problem_type=regression)',
            stacklevel=4,
        )


def _text(cell: Any, column: str) -> str:
    if not isinstance(cell, str):
        raise ValueError(f"its {column} is missing" if cell is None else f"its {column} is no text: {cell!r}")
    return cell


def _one(cell: Any) -> str:
    """Return the name of a single label; numbers and true/false of JSON are names like others, NaN is none."""
    # NaN alone differs from itself.
    return "" if cell is None or cell != cell else str(cell).strip()


def _several(cell: Any) -> list[str]:
    """Return the names in a cell that may hold any number of labels."""
    names = cell if isinstance(cell, list) else _one(cell).split(",")
    return [name for name in map(_one, names) if name]
