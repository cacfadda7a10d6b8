"""Data sets of the Hugging Face hub, by the package `datasets`: pip install 'convbert-edu[datasets]'."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convbert_edu.data.examples import Answer, ChoiceExample, QuestionExample, Splits, TextExample
from convbert_edu.data.formats.classified_texts import Problem, examples_of_table
from convbert_edu.data.formats.common import (
    FileExamples,
    OnBad,
    choice_example,
    collect,
    question_example,
    text_of,
)
from convbert_edu.data.formats.conll import token_example, token_label_names
from convbert_edu.data.formats.tables import Table

# For each task what it needs, and the columns in which the best-known data sets have it.
COLUMNS: dict[str, dict[str, str]] = {
    "classification": {"text": "text", "text_pair": "", "label": "label"},
    "token-classification": {"words": "tokens", "labels": "ner_tags"},
    "question-answering": {"id": "id", "question": "question", "context": "context", "answers": "answers"},
    "multiple-choice": {"context": "sent1", "question": "sent2", "label": "label"}
    | {f"choice{number}": f"ending{number}" for number in range(4)},
    "masked-lm": {"text": "text"},
}


def load_hub_dataset(
    name: str,
    task: str,
    subset: str | None = None,
    train: str = "train",
    validation: str | None = "validation",
    test: str | None = None,
    columns: Mapping[str, str] | None = None,
    on_bad: OnBad = "stop",
) -> Splits:
    """Load a data set by its name on the hub, or from a folder that `datasets` saved.

    task: one of COLUMNS; columns: where the data set has what the task needs, if elsewhere than COLUMNS says
    train, validation, test: the names of the splits to use; None leaves a split empty
    Raises ModuleNotFoundError without `datasets`; ValueError for a split or column that is not there or a bad row.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "data sets of the hub need the package datasets: pip install 'convbert-edu[datasets]'"
        ) from error
    saved = Path(name, "dataset_dict.json").is_file()
    splits = datasets.load_from_disk(name) if saved else datasets.load_dataset(name, subset)
    examples: list[list[Any]] = []
    label_names: tuple[str, ...] = ()
    for split in (train, validation, test):
        if split is None:
            examples.append([])
            continue
        if split not in splits:
            raise ValueError(f"{name} has no split {split!r}; its splits are {', '.join(splits)}")
        found = read_dataset(splits[split], task, columns, label_names, on_bad, f"{name}, {split}")
        label_names = label_names or found.label_names
        examples.append(found.examples)
    return Splits(*examples, label_names=label_names)


def read_dataset(
    dataset: Any,
    task: str,
    columns: Mapping[str, str] | None = None,
    label_names: tuple[str, ...] = (),
    on_bad: OnBad = "stop",
    name: str = "the data set",
) -> FileExamples:
    """Make typed examples of a `datasets.Dataset`; see `load_hub_dataset`. `name` is what errors call it."""
    if task not in COLUMNS:
        raise ValueError(f"there is no task {task!r}; choose one of {', '.join(COLUMNS)}")
    chosen = {**COLUMNS[task], **(columns or {})}
    unknown = chosen.keys() - COLUMNS[task].keys()
    if unknown:
        raise ValueError(
            f"{task} needs no {unknown.pop()!r}; columns are given for {', '.join(COLUMNS[task])}"
        )
    rows = [(f"row {number}", dict(row)) for number, row in enumerate(dataset)]
    table = Table(name, tuple(dataset.column_names), rows)
    table.require(column for column in chosen.values() if column)
    if task == "question-answering":
        return collect(name, rows, lambda row: _question(row, chosen), on_bad)
    if task == "multiple-choice":
        return collect(name, rows, lambda row: _choice(row, chosen), on_bad)
    if task == "masked-lm":
        return collect(name, rows, lambda row: _plain_text(row[chosen["text"]]), on_bad)
    label = chosen["label" if task == "classification" else "labels"]
    names = _class_names(dataset.features[label])
    # The rows hold numbers; a file for people would hold the names.
    if names:
        for _, row in rows:
            row[label] = _with_names(row[label], names)
    label_names = label_names or names
    if task == "token-classification":
        return _token_examples(table, chosen["words"], label, label_names, on_bad)
    problem = _problem(rows[0][1][label]) if rows else "single_label_classification"
    return examples_of_table(
        table, (chosen["text"], chosen["text_pair"] or None), label, problem, label_names, on_bad
    )


def _plain_text(text: Any) -> TextExample:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the text is {text!r}; it must hold words")
    return TextExample(text, 0)


def _token_examples(
    table: Table, words: str, label: str, label_names: tuple[str, ...], on_bad: OnBad
) -> FileExamples:
    seen = [name for _, row in table.rows for name in row[label]]
    label_names = token_label_names(label_names or seen)
    return collect(
        table.path,
        table.rows,
        lambda row: token_example(row[words], row[label], label_names),
        on_bad,
        label_names,
    )


def _question(row: Mapping[str, Any], columns: Mapping[str, str]) -> QuestionExample:
    id_, answers = row[columns["id"]], row[columns["answers"]]
    try:
        if not isinstance(answers, Mapping):
            raise ValueError("it has no answers")
        found = [
            Answer(text_of(text, "answer"), start)
            for text, start in zip(answers["text"], answers["answer_start"], strict=True)
        ]
        question, context = (text_of(row[columns[name]], name) for name in ("question", "context"))
        return question_example(str(id_), question, context, found)
    except ValueError as error:
        raise ValueError(f"item {id_}: {error}") from None


def _choice(row: Mapping[str, Any], columns: Mapping[str, str]) -> ChoiceExample:
    names = [name for name in columns if name.startswith("choice")]
    choices = [text_of(row[columns[name]] or "", name) for name in names]
    context, question = row[columns["context"]], row[columns["question"]] or ""
    return choice_example("", text_of(context, "context"), choices, row[columns["label"]], question)


def _class_names(feature: Any) -> tuple[str, ...]:
    """Return the names of a column of classes, or of a column of lists of them; none for other columns."""
    return tuple(
        getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None) or ()
    )


def _with_names(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_with_names(number, names) for number in value]
    # -1 says that the label is kept secret.
    return names[value] if value is not None and value >= 0 else None


def _problem(label: Any) -> Problem:
    """Return what kind of problem a label tells of."""
    if isinstance(label, list):
        return "multi_label_classification"
    return "regression" if isinstance(label, float) else "single_label_classification"
