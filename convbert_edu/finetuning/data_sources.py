"""Where a task's data comes from: data sets known by name, and files in known formats (lessons 09 to 13)."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_origin, get_type_hints

from convbert_edu import data
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.data.formats.classified_texts import read_classified_table, read_labelled_lines
from convbert_edu.data.formats.common import BadRows, FileExamples, check_one_of
from convbert_edu.data.formats.conll import read_conll, read_conllu
from convbert_edu.data.formats.glue import read_glue, read_swag
from convbert_edu.data.formats.hub import load_hub_dataset
from convbert_edu.data.formats.squad import read_squad
from convbert_edu.pretraining.documents import read_documents
from convbert_edu.training.settings import check_type


@dataclass(frozen=True)
class NamedData:
    """A data set that is fetched by itself, and the task that it is for."""

    task: str
    load: Callable[[], Splits]
    # For masked language modelling, where `load` replaces words by [MASK].
    load_whole: Callable[[], Splits] | None = None


@dataclass(frozen=True)
class FileFormat:
    """A format of files: the task that it is for, its reader, and what a file holds."""

    task: str
    read: Callable[..., FileExamples]
    meaning: str


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
    "table": FileFormat(
        "classification",
        read_classified_table,
        "columns with names: .csv, .tsv, or .jsonl with an object a line; commas part the labels in a cell of several",
    ),
    "lines": FileFormat("classification", read_labelled_lines, "a text a line, after its label"),
    "glue": FileFormat("classification", read_glue, "train.tsv or dev.tsv of a task of GLUE, such as sst2"),
    "conll": FileFormat(
        "token-classification",
        read_conll,
        "a word a line with its label in a column beside it, an empty line after each sentence; column 0 is the first, "
        "-1 the last",
    ),
    "conllu": FileFormat("token-classification", read_conllu, "a treebank of Universal Dependencies"),
    "squad": FileFormat("question-answering", read_squad, "the JSON of SQuAD 1.1 or 2.0"),
    "swag": FileFormat(
        "multiple-choice", read_swag, "a .csv with SWAG's columns: sent1, sent2, ending0 to ending3, label"
    ),
    "text": FileFormat("masked-lm", read_texts, "plain text, an empty line between documents"),
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
        _check_options("the hub", load_hub_dataset, options or {})
        return load_hub_dataset(path, task, **(options or {}))
    if not colon or name not in formats:
        other = NAMED_DATA.get(source) or (FILE_FORMATS.get(name) if colon else None)
        what = f"is for {other.task}" if other else "is not known"
        raise ValueError(
            f"the data {source!r} {what}; for {task} there are {', '.join(named)}, and FORMAT:FILE with one of the "
            f"formats {', '.join(formats)}, or hub:NAME"
        )
    _check_options(f"the format {name}", FILE_FORMATS[name].read, options or {})
    return _read_files(FILE_FORMATS[name], [path, validation, test], dict(options or {}))


def reading_options(read: Callable[..., Any]) -> dict[str, Any]:
    """Return the options of a reader with their defaults; `...` where there is none."""
    of_load_data = ("path", "name", "task") if read is load_hub_dataset else ("path",)
    return {
        name: ... if each.default is each.empty else each.default
        for name, each in inspect.signature(read).parameters.items()
        if name not in of_load_data
    }


def _check_options(what: str, read: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the option, for one that is missing, unknown or of the wrong type."""
    known, types = reading_options(read), get_type_hints(read)
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"{what} has no option {name!r}; its options are {', '.join(known) or 'none'}")
        check = check_one_of if get_origin(types[name]) is Literal else check_type
        check(name, value, types[name])
    for name, default in known.items():
        if default is ... and name not in options:
            raise ValueError(f"{what} needs the option {name!r}: --read {name}=...")


def _read_files(format: FileFormat, paths: list[str | os.PathLike | None], options: dict[str, Any]) -> Splits:
    """Read the files; the labels are those of the options, or of the first file; unknown ones are an error."""
    splits: list[list[Any]] = []
    label_names: tuple[str, ...] = tuple(options.pop("label_names", ()))
    for path in paths:
        if path is None:
            splits.append([])
            continue
        if not os.path.isfile(path):
            raise FileNotFoundError(f"there is no file {path}")
        found = format.read(path, **options, **({"label_names": label_names} if label_names else {}))
        label_names = label_names or found.label_names
        splits.append(found.examples)
    return Splits(*splits, label_names=label_names)
