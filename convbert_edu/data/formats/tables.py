"""Rows of tables: comma- or tab-separated values, and a JSON object a line."""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convbert_edu.data.formats.common import open_text

Cells = dict[str, Any]
# Characters; the standard library stops at 131,072, but whole documents stand in cells.
LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True)
class Unreadable:
    """Stands for a row that is no row of its table."""

    reason: str


@dataclass(frozen=True)
class Table:
    """The rows of a table: where each stands ("line 3"), and its cells by the names of the columns."""

    path: str | os.PathLike
    columns: tuple[str, ...]
    rows: list[tuple[str, Cells | Unreadable]]

    def require(self, columns: Iterable[str], remedy: str = "") -> None:
        """Raise ValueError, listing the columns, where one of `columns` is not there; `remedy` says what to do."""
        for column in columns:
            if column not in self.columns:
                raise ValueError(
                    f"{self.path} has no column {column!r}; its columns are {', '.join(self.columns)}{remedy}"
                )


def cells_of(row: Cells | Unreadable) -> Cells:
    """Return the cells; ValueError for a row that is unreadable."""
    if isinstance(row, Unreadable):
        raise ValueError(row.reason)
    return row


def read_table(path: str | os.PathLike, header: Sequence[str] | None = None, quoted: bool = True) -> Table:
    """Read a table. Its name's end says how: .jsonl or .json a JSON object a line, .csv by commas, all others by tabs.

    header: the names of the columns, for a file whose first line does not hold them
    quoted: cells in quotation marks may hold tabs, commas and line ends; if False, the marks are text like any other
    Empty lines are no rows. Raises ValueError where the quotation marks of the file do not pair up, where two columns
    have one name, or where a file of JSON holds a list.
    """
    text, kind = open_text(path), Path(path).suffix.lower()
    if kind in (".jsonl", ".json"):
        rows = list(_json_rows(path, text))
        columns = {name: None for _, row in rows if not isinstance(row, Unreadable) for name in row}
        return Table(path, tuple(columns), rows)
    delimited = _delimited_rows(path, text, "," if kind == ".csv" else "\t", quoted)
    columns = tuple(header) if header else tuple(next(delimited, ("", []))[1])
    if not columns:
        raise ValueError(f"{path} holds no examples; it is empty")
    # Columns without a name cannot be asked for.
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise ValueError(f"{path} has two columns {twice[0]!r}; give each a name of its own")
    return Table(path, columns, [(where, _named(columns, cells)) for where, cells in delimited])


def _delimited_rows(
    path: str | os.PathLike, text: io.StringIO, delimiter: str, quoted: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yield where each row begins, and its cells."""
    csv.field_size_limit(LONGEST_CELL)
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    rows = csv.reader(text, delimiter=delimiter, quoting=quoting, strict=True)
    line = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield f"line {line}", cells
            line = rows.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {line}: the quotation marks do not pair up ({error}). If they are part of the text, read "
            "the file with quoted=False"
        ) from None


def _named(columns: Sequence[str], cells: list[str]) -> Cells | Unreadable:
    if len(cells) != len(columns):
        return Unreadable(f"it has {len(cells)} cells, but there are {len(columns)} columns")
    return dict(zip(columns, cells, strict=True))


def _json_rows(path: str | os.PathLike, text: io.StringIO) -> Iterator[tuple[str, Cells | Unreadable]]:
    for number, line in enumerate(text, start=1):
        if number == 1 and line.lstrip().startswith("["):
            raise ValueError(
                f"{path} holds one JSON list; write one object a line instead (pandas: to_json(..., orient='records', "
                "lines=True))"
            )
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                yield f"line {number}", Unreadable(f"it is no JSON ({error})")
            else:
                yield f"line {number}", row if isinstance(row, dict) else Unreadable("it is no JSON object")
