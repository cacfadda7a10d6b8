"""Where a task's data comes from: data sets known by name, and files in known formats (lessons 09 to 13)."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convbert_edu import data
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.data.formats.classified_texts import read_classified_table, read_labelled_lines
from convbert_edu.data.formats.common import BadRows, FileExamples
from convbert_edu.data.formats.conll import read_conll, read_conllu
from convbert_edu.data.formats.glue import read_glue, read_swag
from convbert_edu.data.formats.hub import load_hub_dataset
from convbert_edu.data.formats.squad import read_squad
from convbert_edu.pretraining.documents import read_documents


@dataclass(frozen=True)
class NamedData:
    """A data set that is fetched by itself, and the task that it is for."""

    task: str
    load: Callable[[], Splits]
    # For masked language modelling, where `load` replaces words by [MASK].
    load_whole: Callable[[], Splits] | None = None


@dataclass(frozen=True)
class FileFormat:
    """A format of files, the task that it is for, and its reader."""

    task: str
    read: Callable[..., FileExamples]


def read_texts(path: str | os.PathLike) -> FileExamples[TextExample]:
    """Read plain text, an empty line between documents; for masked language modelling."""
    return FileExamples([TextExample(text, 0) for text in read_documents([path])], (), BadRows())


NAMED_DATA: dict[str, NamedData] = {
    "reviews:rt": NamedData("classification", data.load_reviews),
    "reviews:imdb": NamedData("classification", lambda: data.load_reviews("imdb")),
    "wikipedia:topics": NamedData("classification", data.load_topics),
    "recipes": NamedData("classification", data.load_recipes, lambda: data.load_recipes(masked=False)),
    "tweets": NamedData("token-classification", data.load_tweets),
    "wikipedia:capitals": NamedData("token-classification", data.load_capitals),
    "factbook:qa": NamedData("question-answering", data.load_questions),
    "wikipedia:choice": NamedData("multiple-choice", data.load_choices),
    # Two steps on the way there: the description is easy to find; and more items, with drawn choices.
    "wikipedia:choice-easy": NamedData(
        "multiple-choice", lambda: data.load_choices(first_sentence=True, draws=1)
    ),
    "wikipedia:choice-more": NamedData("multiple-choice", lambda: data.load_choices(draws=1)),
}

FILE_FORMATS: dict[str, FileFormat] = {
    "table": FileFormat("classification", read_classified_table),
    "lines": FileFormat("classification", read_labelled_lines),
    "glue": FileFormat("classification", read_glue),
    "conll": FileFormat("token-classification", read_conll),
    "conllu": FileFormat("token-classification", read_conllu),
    "squad": FileFormat("question-answering", read_squad),
    "swag": FileFormat("multiple-choice", read_swag),
    "text": FileFormat("masked-lm", read_texts),
}


# The GLUE tasks that the authors train on for ten epochs, as they are small.
TEN_EPOCHS = ("rte", "stsb")


def known_sources(task: str) -> tuple[list[str], list[str]]:
    """Return the names of the data sets that a task can learn from, and those of the formats of files."""
    kinds = {task, "classification"} if task == "masked-lm" else {task}
    named = [name for name, known in NAMED_DATA.items() if known.task in kinds]
    return named, [name for name, known in FILE_FORMATS.items() if known.task in kinds]


def load_data(
    source: str,
    task: str,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    options: Mapping[str, Any] | None = None,
) -> Splits:
    """Return the data `source` for a task: a name of NAMED_DATA, hub:NAME, or FORMAT:FILE (see FILE_FORMATS).

    validation, test: further files in the same format
    options: what its reader takes, such as column=3 (see data/formats)
    Masked language modelling learns from the texts of every named classification data set, too.
    Raises ValueError, saying what there is, for a name or format that the task cannot learn from.
    """
    named, formats = known_sources(task)
    if source in named:
        if validation or test or options:
            raise ValueError(
                f"{source} has its own validation and test splits; leave out other files and options"
            )
        known = NAMED_DATA[source]
        return known.load_whole() if known.load_whole and task == "masked-lm" else known.load()
    name, colon, path = source.partition(":")
    if name == "hub" and colon:
        if validation or test:
            raise ValueError(
                f"{source} has its own splits; choose them by the options train, validation and test"
            )
        try:
            return load_hub_dataset(path, task, **(options or {}))
        except TypeError as error:
            raise ValueError(f"the options {dict(options or {})} do not fit the hub: {error}") from error
    if not colon or name not in formats:
        what = f"is for {NAMED_DATA[source].task}" if source in NAMED_DATA else "is not known"
        raise ValueError(
            f"the data {source!r} {what}; for {task} there are {', '.join(named)}, and FORMAT:FILE with one of the "
            f"formats {', '.join(formats)}, or hub:NAME"
        )
    return _read_files(FILE_FORMATS[name], [path, validation, test], dict(options or {}))


def _read_files(format: FileFormat, paths: list[str | os.PathLike | None], options: dict[str, Any]) -> Splits:
    """Read the files; the labels are those of the first one, and unknown ones in the others are an error."""
    splits: list[list[Any]] = []
    label_names: tuple[str, ...] = ()
    for path in paths:
        if path is None:
            splits.append([])
            continue
        if not os.path.isfile(path):
            raise FileNotFoundError(f"there is no file {path}")
        try:
            found = format.read(path, **options, **({"label_names": label_names} if label_names else {}))
        except TypeError as error:
            raise ValueError(f"the options {options} do not fit this format: {error}") from error
        label_names = label_names or found.label_names
        splits.append(found.examples)
    return Splits(*splits, label_names=label_names)
