"""The nine tasks of GLUE, and SWAG: published tables, each with columns of its own."""

import os
from dataclasses import dataclass

from convbert_edu.data.examples import ChoiceExample, TextExample
from convbert_edu.data.formats.classified_texts import examples_of_table
from convbert_edu.data.formats.common import FileExamples, OnBad, choice_example, collect
from convbert_edu.data.formats.tables import Cells, Unreadable, cells_of, read_table


@dataclass(frozen=True)
class GlueTask:
    """Which columns hold the texts and the label, and the names of the labels in the order of their numbers."""

    text: str
    text_pair: str | None
    label: str
    # Empty for a value instead of a class.
    label_names: tuple[str, ...]
    # Names of the columns, for a file that has none.
    header: tuple[str, ...] | None = None


_ENTAILMENT = ("entailment", "not_entailment")
GLUE_TASKS = {
    "cola": GlueTask(
        "sentence", None, "label", ("unacceptable", "acceptable"), ("source", "label", "mark", "sentence")
    ),
    "sst2": GlueTask("sentence", None, "label", ("negative", "positive")),
    "mrpc": GlueTask("#1 String", "#2 String", "Quality", ("not_equivalent", "equivalent")),
    "stsb": GlueTask("sentence1", "sentence2", "score", ()),
    "qqp": GlueTask("question1", "question2", "is_duplicate", ("not_duplicate", "duplicate")),
    "mnli": GlueTask("sentence1", "sentence2", "gold_label", ("entailment", "neutral", "contradiction")),
    "qnli": GlueTask("question", "sentence", "label", _ENTAILMENT),
    "rte": GlueTask("sentence1", "sentence2", "label", _ENTAILMENT),
    "wnli": GlueTask("sentence1", "sentence2", "label", ("not_entailment", "entailment")),
}


def read_glue(
    path: str | os.PathLike, task: str, label_names: tuple[str, ...] = (), on_bad: OnBad = "stop"
) -> FileExamples[TextExample]:
    """Read train.tsv or dev.tsv of a task; `task` is one of GLUE_TASKS. STS-B has a value from 0 to 5 as label.

    label_names: another order of the labels than that of GLUE_TASKS
    Quotation marks are text in these files. The published test files have no labels and so cannot be read here.
    Raises ValueError for an unknown task, a column that is not there, or a label that is unknown or missing.
    """
    if task not in GLUE_TASKS:
        raise ValueError(f"GLUE has no task {task!r}; choose one of {', '.join(GLUE_TASKS)}")
    row = GLUE_TASKS[task]
    table = read_table(path, row.header, quoted=False)
    problem = "single_label_classification" if row.label_names else "regression"
    names = label_names or row.label_names
    return examples_of_table(table, (row.text, row.text_pair), row.label, problem, names, on_bad)


# Of SWAG: a sentence, the beginning of the next one, and four ways in which it may end.
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
