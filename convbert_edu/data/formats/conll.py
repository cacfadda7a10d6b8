"""CoNLL columns: a word a line with its labels beside it, an empty line after each sentence."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from convbert_edu.data.examples import TokenExample
from convbert_edu.data.formats.bio import bio_names, is_entity_column, to_bio
from convbert_edu.data.formats.labels import label_number, names_of
from convbert_edu.data.formats.report import FileExamples, OnBad, collect
from convbert_edu.data.formats.text_lines import lines_of, open_text

CONLLU_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
Sentence = list[list[str]]  # the cells of each of its lines


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
    labels = [c[column] for _, sentence in sentences for c in sentence if len(c) == columns]
    label_names = label_names or token_label_names(labels)

    def make(sentence: Sentence) -> TokenExample:
        for cells in sentence:
            if len(cells) != columns:
                raise ValueError(f"the line of {cells[0]!r} has {len(cells)} columns instead of {columns}")
        return token_example([c[word_column] for c in sentence], [c[column] for c in sentence], label_names)

    rows = ((f"the sentence at line {line}", sentence) for line, sentence in sentences)
    return collect(path, rows, make, on_bad, label_names)
