"""SWAG: a sentence, the beginning of the next one, and four ways in which it may end."""

import os

from convbert_edu.data.examples import ChoiceExample
from convbert_edu.data.formats.common import FileExamples, OnBad, choice_example, collect
from convbert_edu.data.formats.tables import Cells, Unreadable, cells_of, read_table

ENDINGS = ("ending0", "ending1", "ending2", "ending3")


def read_swag(path: str | os.PathLike, on_bad: OnBad = "stop") -> FileExamples[ChoiceExample]:
    """Read train.csv or val.csv: `sent1` is the context, `sent2` how each choice begins, `label` the right ending.

    Raises ValueError where a column is not there, an ending is missing, or the label is not 0, 1, 2 or 3.
    """
    table = read_table(path)
    table.require(["sent1", "sent2", *ENDINGS, "label"])

    def make(row: Cells | Unreadable) -> ChoiceExample:
        cells = cells_of(row)
        id_ = f"{cells.get('video-id', '')} {cells.get('fold-ind', '')}".strip()
        context, beginning, *endings = (
            str(cells.get(column) or "") for column in ("sent1", "sent2", *ENDINGS)
        )
        return choice_example(id_, context, endings, cells.get("label"), beginning)

    return collect(path, table.rows, make, on_bad)
