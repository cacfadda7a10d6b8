"""CoNLL columns: a word a line with its labels beside it, an empty line after each sentence (lesson 10).

Labels of entities come out in BIO whatever the scheme of the file: B-person on the first word of a person, I-person on
the others, O outside.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from convbert_edu.data.examples import TokenExample
from convbert_edu.data.formats.common import (
    FileExamples,
    OnBad,
    collect,
    label_number,
    lines_of,
    names_of,
    open_text,
)

CONLLU_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
# B and I, and the letters that other schemes add: E or L (the last word), S or U (a single word), M (in the middle).
_ENTITY = re.compile(r"([BIELSUM])-(.+)")
_BEGINS = "BSU"
# The cells of each of its lines.
Sentence = list[list[str]]


def read_conll(
    path: str | os.PathLike,
    column: int = -1,
    word_column: int = 0,
    label_names: tuple[str, ...] = (),
    on_bad: OnBad = "stop",
) -> FileExamples[TokenExample]:
    """Read columns that are parted by tabs or, in lines without a tab, by spaces. Lines of -DOCSTART- are no words.

    column, word_column: where the labels and the words stand: 0 is the first column, -1 the last one
    label_names: those of the training file; without them they are taken from this file
    Entities become BIO whatever the scheme of the file (see `to_bio`); other labels, such as parts of speech, stay.
    Raises ValueError where a column is not there, a label is unknown or missing, or no sentence is left.
    """
    sentences = list(sentences_of(lines_of(open_text(path).read())))
    return _token_examples(path, sentences, word_column, column, label_names, on_bad)


def read_conllu(
    path: str | os.PathLike,
    column: str = "upos",
    label_names: tuple[str, ...] = (),
    on_bad: OnBad = "stop",
) -> FileExamples[TokenExample]:
    """Read a treebank in the format of Universal Dependencies; `column` is one of CONLLU_COLUMNS.

    Comments are left out, and so are lines that number no word (1-2 joins words 1 and 2; 8.1 is not in the text).
    Raises ValueError as `read_conll` does.
    """
    if column not in CONLLU_COLUMNS:
        raise ValueError(f"CoNLL-U has no column {column!r}; its columns are {', '.join(CONLLU_COLUMNS)}")
    sentences = [
        (line, [cells for cells in sentence if not re.search(r"[-.]", cells[0])])
        for line, sentence in sentences_of(lines_of(open_text(path).read()), comments=True)
    ]
    return _token_examples(path, sentences, 1, CONLLU_COLUMNS.index(column), label_names, on_bad)


def sentences_of(lines: Sequence[str], comments: bool = False) -> Iterator[tuple[int, Sentence]]:
    """Yield each sentence with the number of its first line; with `comments`, lines that begin with # are none."""
    start, sentence = 0, []
    for number, line in enumerate([*lines, ""], start=1):
        if line.startswith("-DOCSTART-") or (comments and line.startswith("#")):
            continue
        if line.strip():
            start = start if sentence else number
            sentence.append(line.split("\t") if "\t" in line else re.split(" +", line.strip(" ")))
        elif sentence:
            yield start, sentence
            sentence = []


def token_example(words: Sequence[str], labels: Sequence[str], label_names: Sequence[str]) -> TokenExample:
    """Return the example of one sentence, entities in BIO; ValueError where a label is missing or unknown."""
    if len(words) != len(labels):
        raise ValueError(f"there are {len(words)} words and {len(labels)} labels; each word needs one label")
    if "" in labels:
        raise ValueError(f"the label of {words[list(labels).index('')]!r} is missing")
    if is_entity_column(label_names):
        labels = to_bio(labels)
    return TokenExample(tuple(words), tuple(label_number(label, label_names) for label in labels))


def token_label_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the labels of all words of a set: in BIO, if they mark entities."""
    return bio_names(labels) if is_entity_column(labels) else names_of(labels)


def _token_examples(
    path: str | os.PathLike,
    sentences: list[tuple[int, Sentence]],
    word_column: int,
    column: int,
    label_names: tuple[str, ...],
    on_bad: OnBad,
) -> FileExamples[TokenExample]:
    """Take the words and labels out of the columns."""
    if not sentences:
        raise ValueError(f"{path} holds no sentences")
    counts = Counter(len(cells) for _, sentence in sentences for cells in sentence)
    columns = counts.most_common(1)[0][0]
    for wanted in (word_column, column):
        if not -columns <= wanted < columns:
            raise ValueError(f"{path} has no column {wanted}; its columns are 0 to {columns - 1}")
    if word_column % columns == column % columns:
        raise ValueError(
            f"words and labels of {path} would both be its column {column % columns}, of {columns}; columns are parted "
            "by tabs or spaces, and column and word_column say which ones to read (--read column=N)"
        )
    labels = [c[column] for _, sentence in sentences for c in sentence if len(c) == columns]
    label_names = label_names or token_label_names(labels)

    def make(sentence: Sentence) -> TokenExample:
        for cells in sentence:
            if len(cells) != columns:
                raise ValueError(f"the line of {cells[0]!r} has {len(cells)} columns instead of {columns}")
        return token_example([c[word_column] for c in sentence], [c[column] for c in sentence], label_names)

    rows = ((f"the sentence at line {line}", sentence) for line, sentence in sentences)
    return collect(path, rows, make, on_bad, label_names)


def is_entity_column(labels: Iterable[str]) -> bool:
    """Say whether labels mark entities (or chunks), rather than, say, parts of speech: some begin with B- or I-."""
    return any(label.startswith(("B-", "I-")) for label in labels)


def to_bio(labels: Sequence[str]) -> list[str]:
    """Return the labels of one sentence in the BIO scheme, whether they are in BIO, IOB1, BIOES, BILOU or BMES.

    An entity goes on only after a word of the same kind that does not end it, so an I- or E- that follows nothing
    begins an entity (which is how IOB1, the scheme of the CoNLL-2003 files, writes most of them).
    Raises ValueError for a label of no such scheme.
    """
    result = []
    # The kind of the entity that the next word may belong to.
    goes_on = ""
    for label in labels:
        match = _ENTITY.fullmatch(label)
        if label == "O" or not match:
            if label != "O":
                raise ValueError(
                    f"the label {label!r} is neither O nor B-, I-, E- or S- with a kind of entity"
                )
            result.append("O")
            goes_on = ""
            continue
        letter, kind = match.groups()
        begins = letter in _BEGINS or kind != goes_on
        result.append(f"{'B' if begins else 'I'}-{kind}")
        goes_on = "" if letter in "ELSU" else kind
    return result


def bio_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Return O, and B- and I- of each kind of entity in the order of the alphabet."""
    kinds = sorted({match[2] for match in map(_ENTITY.fullmatch, labels) if match})
    return ("O", *(f"{letter}-{kind}" for kind in kinds for letter in "BI"))
