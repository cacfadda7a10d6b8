"""Documents to pretrain on: the training texts of the tasks, or the reader's own text files (lesson 08).

A document is one string with a paragraph a line. Text files are UTF-8, with an empty line between documents.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Literal

from convbert_edu.data.datasets.factbook import Country, field_line, load_passages
from convbert_edu.data.datasets.recipes import load_recipes
from convbert_edu.data.datasets.reviews import load_reviews
from convbert_edu.data.datasets.wikipedia import load_articles

SplitName = Literal["train", "validation", "test"]

# Bytes; a longer line is no paragraph.
LONGEST_LINE = 10_000_000
# Characters; a document that goes on longer is handed on in pieces, to keep memory constant.
LONGEST_DOCUMENT = 1_000_000


def pretraining_texts(split: SplitName = "train") -> Iterator[str]:
    """Yield documents, one string each, in a fixed order: IMDB, Rotten Tomatoes, Wikipedia, the Factbook.

    A document has one paragraph a line; only a country has more than one, a line for each field. `split` is that of
    the tasks: "train" to learn from, "validation" to watch and choose by, "test" to measure, once all is chosen.

    Words to train on, in millions: IMDB 4.63, Rotten Tomatoes 0.14, Wikipedia 0.62, the Factbook 0.71; together 6.10
    in 34,913 documents. Validation: 0.78 in 4,415 documents.
    """
    for site in ("imdb", "rotten_tomatoes"):
        yield from (example.text for example in getattr(load_reviews(site), split))
    yield from (article.text for article in getattr(load_articles(), split))
    yield from (country_document(country) for country in getattr(load_passages(), split))


def distillation_texts(split: SplitName = "train") -> Iterator[str]:
    """Yield the documents of `pretraining_texts`, then recipes with their ingredients named: 0.25 million words more.

    Kept apart because the models that were pretrained from nothing have not read them.
    """
    yield from pretraining_texts(split)
    yield from (example.text for example in getattr(load_recipes(masked=False), split))


def country_document(country: Country) -> str:
    """Return all passages about a country, a line for each field: "Capital - name: Rome; time difference: ..."."""
    lines = [country.name]
    for field, passages in groupby(country.passages, key=lambda passage: passage.field):
        lines.append(field_line(field, list(passages)))
    return "\n".join(lines)


def read_documents(paths: Iterable[str | os.PathLike]) -> Iterator[str]:
    """Yield the documents of text files one after the other; a file's end is a document's end.

    Raises FileNotFoundError for a missing file; ValueError, naming file and line, for one that is empty or not UTF-8.
    """
    for path in map(Path, paths):
        if not path.is_file():
            raise FileNotFoundError(f"there is no text file {path}")
        found = False
        for document in _documents_of(path):
            found = True
            yield document
        if not found:
            raise ValueError(f"{path} holds no text; leave it out, or put text in it")


def _documents_of(path: Path) -> Iterator[str]:
    paragraphs: list[str] = []
    characters = 0
    for line in _lines_of(path):
        if paragraphs and (not line or characters > LONGEST_DOCUMENT):
            yield "\n".join(paragraphs)
            paragraphs, characters = [], 0
        if line:
            paragraphs.append(line)
            characters += len(line)
    if paragraphs:
        yield "\n".join(paragraphs)


def _lines_of(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise ValueError(
                    f"{path}: line {number} is longer than {LONGEST_LINE:,} bytes; put one paragraph on a line"
                )
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path} is not UTF-8 text: line {number}, byte {error.start + 1} cannot be read; convert the file "
                    f"(iconv -f ITS-ENCODING -t UTF-8 {path.name} > new.txt)"
                ) from None
