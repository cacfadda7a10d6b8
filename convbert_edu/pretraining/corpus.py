"""A corpus for pretraining: one folder with the vocabulary, the sequences to train on and those held out.

Lessons 08 and 15 use it.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from convbert_edu.pretraining.packing import Packing
from convbert_edu.pretraining.token_file import TokenFile, write_token_file
from convbert_edu.tokenizer import ConvBertTokenizer

# The vocabulary is learned from the first characters of the text, up to so many.
VOCABULARY_CHARACTERS = 100_000_000
# Of each hundred documents the one with this number, from 0.
FIRST_HELD_OUT = 50


@dataclass(frozen=True)
class PretrainingCorpus:
    """An opened corpus folder: its tokenizer and its two splits."""

    tokenizer: ConvBertTokenizer
    train: TokenFile
    held_out: TokenFile

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "PretrainingCorpus":
        """Open a folder made by `build_corpus`."""
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"there is no corpus {folder}; `convbert-edu data pack {folder}` makes one"
            )
        return cls(
            ConvBertTokenizer.from_pretrained(folder),
            TokenFile(folder / "train"),
            TokenFile(folder / "held_out"),
        )


def build_corpus(
    folder: str | os.PathLike,
    train: Callable[[], Iterable[str]],
    held_out: Callable[[], Iterable[str]],
    tokenizer: ConvBertTokenizer | None = None,
    vocab_size: int = 8000,
    packing: Packing | None = None,
) -> PretrainingCorpus:
    """Learn a vocabulary from the training documents, unless a `tokenizer` is given, and pack both splits.

    train, held_out: functions that yield the documents, from the first, each time they are called
    Memory stays the same whatever the size of the text. `folder` appears whole or not at all.
    Raises FileExistsError where it exists, and what the readers, the tokenizer and `write_token_file` raise.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; remove it or choose another folder")
    beside = folder.with_name(f".{folder.name}.part")
    # What a run that was killed has left.
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        if tokenizer is None:
            texts = first_characters(train(), VOCABULARY_CHARACTERS)
            tokenizer = ConvBertTokenizer.train(texts, vocab_size, show_progress=True)
        tokenizer.save_pretrained(beside)
        write_token_file(train(), tokenizer, beside / "train", packing)
        write_token_file(held_out(), tokenizer, beside / "held_out", packing)
        os.rename(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return PretrainingCorpus.open(folder)


def every_hundredth(documents: Iterable[str], held_out: bool) -> Iterator[str]:
    """Yield each hundredth document, or all but these: a held-out split for text that has none.

    Raises ValueError, at the end of the documents, where they are so few that none is held out.
    """
    number = -1
    for number, document in enumerate(documents):
        if (number % 100 == FIRST_HELD_OUT) == held_out:
            yield document
    if number < FIRST_HELD_OUT:
        raise ValueError(
            f"the text has {number + 1} documents; one of a hundred is held out, from document {FIRST_HELD_OUT + 1} "
            "on: put an empty line between documents, or name another text to measure on (--held-out)"
        )


def first_characters(documents: Iterable[str], limit: int) -> Iterator[str]:
    """Yield documents until they have `limit` characters together."""
    characters = 0
    for document in documents:
        yield document
        characters += len(document)
        if characters >= limit:
            return
