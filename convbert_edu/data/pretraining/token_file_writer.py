"""Writing a token file: documents in, sequences on disk, at constant memory."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np
from tqdm import tqdm

from convbert_edu.data.pretraining.packing import SHORTEST, Packing, pack_document, split_sentences
from convbert_edu.data.pretraining.token_file import (
    FORMAT,
    INDEX,
    OFFSETS,
    TOKENS,
    TokenFile,
    vocabulary_hash,
)
from convbert_edu.files import atomic_write
from convbert_edu.tokenizer import ConvBertTokenizer

CHARACTERS_AT_ONCE = 500_000  # text that is tokenised in one call


def write_token_file(
    documents: Iterable[str],
    tokenizer: ConvBertTokenizer,
    folder: str | os.PathLike,
    packing: Packing | None = None,
    total: int | None = None,
) -> TokenFile:
    """Tokenise and pack `documents` into a token file at `folder`, which appears whole or not at all.

    No sequence mixes documents. `total`, the number of documents if it is known, gives the progress bar an end.
    Raises FileExistsError where `folder` exists, TypeError for a document that is no text, ValueError where all of
    them together do not make one sequence.
    """
    packing = packing or Packing()
    with (
        TokenFileWriter(folder, tokenizer, packing) as writer,
        tqdm(total=total, desc=f"packing {Path(folder).name}", unit=" documents") as progress,
    ):
        for group in _groups(documents):
            for sentences in _tokenise(group, tokenizer):
                writer.add(sentences)
            progress.set_postfix(tokens=f"{writer.tokens:,}", refresh=False)
            progress.update(len(group))
    return TokenFile(folder)


class TokenFileWriter:
    """A token file in the making. Use it in a `with` block: on an error what was written is removed."""

    def __init__(self, folder: str | os.PathLike, tokenizer: ConvBertTokenizer, packing: Packing) -> None:
        self.folder = Path(folder)
        self.tokenizer = tokenizer
        self.packing = packing
        self.documents = self.sequences = self.tokens = 0
        self._type = np.dtype("<u2" if len(tokenizer) <= 2**16 else "<u4")

    def __enter__(self) -> Self:
        if self.folder.exists():
            raise FileExistsError(f"{self.folder} exists already; remove it or choose another folder")
        self._beside = self.folder.with_name(f".{self.folder.name}.part")
        shutil.rmtree(self._beside, ignore_errors=True)  # of a run that was killed
        self._beside.mkdir(parents=True)
        self._files = {name: (self._beside / name).open("wb") for name in (TOKENS, OFFSETS)}
        self._sums = {name: hashlib.sha256() for name in self._files}
        self._write(OFFSETS, np.zeros(1, dtype="<u8"))
        return self

    def add(self, sentences: list[list[int]]) -> None:
        """Pack one document, given as the token numbers of its sentences."""
        tokenizer, number = self.tokenizer, self.documents
        for sequence in pack_document(
            sentences, self.packing, number, tokenizer.cls_token_id, tokenizer.sep_token_id
        ):
            self._write(TOKENS, np.array(sequence, dtype=self._type))
            self.sequences += 1
            self.tokens += len(sequence)
            self._write(OFFSETS, np.array([self.tokens], dtype="<u8"))
        self.documents += 1

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
                file.close()
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._beside, ignore_errors=True)
            for file in self._files.values():
                with suppress(OSError):  # what a full disk did not take is thrown away
                    file.close()

    def _write(self, name: str, numbers: np.ndarray) -> None:
        data = numbers.tobytes()
        self._files[name].write(data)
        self._sums[name].update(data)

    def _finish(self) -> None:
        if self.sequences == 0:
            raise ValueError(
                f"there is no sequence to write: the text of all {self.documents} documents together is empty, or "
                f"none of them has the {SHORTEST} tokens that a sequence needs"
            )
        index = {
            "format": FORMAT,
            "token_type": self._type.str,
            "documents": self.documents,
            "sequences": self.sequences,
            "tokens": self.tokens,
            "max_length": self.packing.max_length,
            "vocabulary_sha256": vocabulary_hash(self.tokenizer),
            "tokens_sha256": self._sums[TOKENS].hexdigest(),
            "offsets_sha256": self._sums[OFFSETS].hexdigest(),
        }
        with atomic_write(self._beside / INDEX, "w") as file:
            json.dump(index, file, indent=2)
            file.write("\n")
        os.rename(self._beside, self.folder)


def _groups(documents: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of documents that are worth a call of the tokenizer."""
    group, characters = [], 0
    for number, document in enumerate(documents):
        if not isinstance(document, str):
            raise TypeError(
                f"documents[{number}] is a {type(document).__name__}; each document must be a string"
            )
        group.append(document)
        characters += len(document)
        if characters >= CHARACTERS_AT_ONCE:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _tokenise(documents: list[str], tokenizer: ConvBertTokenizer) -> Iterator[list[list[int]]]:
    """Yield for each document the token numbers of its sentences."""
    sentences = [split_sentences(document) for document in documents]
    flat = [sentence for document in sentences for sentence in document]
    ids = iter(tokenizer(flat, add_special_tokens=False)["input_ids"] if flat else [])
    for document in sentences:
        yield [next(ids) for _ in document]
