"""The token file: all sequences of a corpus on disk, read in place, so that 100 GB need no more memory than 1 MB.

It is read by `TokenFile` and written, at constant memory, by `write_token_file` (lesson 08). A folder with three files:
tokens.bin    the token ids of all sequences, one after the other (2 bytes each, 4 where the vocabulary is large)
offsets.bin   where each sequence begins, and where the last one ends (8 bytes each)
index.json    how many there are, for which vocabulary, and the sha256 of the other two
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from tqdm import tqdm

from convbert_edu.files import atomic_write
from convbert_edu.pretraining.packing import SHORTEST, Packing, pack_document, split_sentences
from convbert_edu.tokenizer import ConvBertTokenizer

# Text that is tokenised in one call.
CHARACTERS_AT_ONCE = 500_000
TOKENS, OFFSETS, INDEX = "tokens.bin", "offsets.bin", "index.json"
FORMAT = 1
_FIELDS = frozenset(
    "format token_type sequences tokens documents max_length vocabulary_sha256 tokens_sha256 offsets_sha256".split()
)


class TokenFile:
    """Sequences by number, read from disk as they are asked for.

    Raises FileNotFoundError where the folder or one of its files is missing, ValueError where a file has not the
    size that the index says. `check()` reads every byte and compares checksums as well.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        self.index = self._read_index()
        token_type = np.dtype(self.index["token_type"])
        self._tokens = self._map(TOKENS, token_type, self.index["tokens"])
        self._offsets = self._map(OFFSETS, np.dtype("<u8"), self.index["sequences"] + 1)

    def __len__(self) -> int:
        return self.index["sequences"]

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """Return how many tokens the sequences `numbers` have, [CLS] and [SEP] included."""
        return (self._offsets[numbers + 1] - self._offsets[numbers]).astype(np.int64)

    def read(self, numbers: np.ndarray, width: int, pad_id: int) -> np.ndarray:
        """Return the sequences `numbers` as an array [rows, width] of token ids; what is longer is cut."""
        starts = self._offsets[numbers].astype(np.int64)[:, None]
        positions = np.arange(width)
        inside = positions < self.lengths(numbers)[:, None]
        ids = self._tokens[np.where(inside, starts + positions, 0)].astype(np.int64)
        return np.where(inside, ids, pad_id)

    def count_tokens(self, vocab_size: int) -> np.ndarray:
        """Return how often each of `vocab_size` tokens stands in the file, [vocab_size], a piece at a time."""
        counts = np.zeros(vocab_size, np.int64)
        for start in range(0, len(self._tokens), 1_000_000):
            counts += np.bincount(self._tokens[start : start + 1_000_000], minlength=vocab_size)
        return counts

    def check(self) -> None:
        """Raise ValueError where the content of a file is not what was written (one pass over everything)."""
        for name, key in ((TOKENS, "tokens_sha256"), (OFFSETS, "offsets_sha256")):
            with (self.folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != self.index[key]:
                raise ValueError(
                    f"{self.folder / name} is damaged: its sha256 is {found}, but {INDEX} says {self.index[key]}; "
                    "build the token file again"
                )

    def check_vocabulary(self, tokenizer: ConvBertTokenizer) -> None:
        """Raise ValueError where the file was not made with the vocabulary of `tokenizer`."""
        if vocabulary_hash(tokenizer) != self.index["vocabulary_sha256"]:
            raise ValueError(
                f"{self.folder} was made with another vocabulary than that of {tokenizer}: the same ids would "
                "mean other tokens. Use the tokenizer that lies beside the token file, or build the file again"
            )

    def _read_index(self) -> dict[str, Any]:
        path = self.folder / INDEX
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing; {self.folder} is no token file. `convbert-edu data pack` makes one"
            )
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged ({error}); build the token file again") from error
        if not isinstance(index, dict) or set(index) != _FIELDS or index["format"] != FORMAT:
            raise ValueError(
                f"{path} is damaged, or was written by another version: it must hold format {FORMAT} and the fields "
                f"{sorted(_FIELDS)}; build the token file again"
            )
        return index

    def _map(self, name: str, kind: np.dtype, count: int) -> np.ndarray:
        path = self.folder / name
        size = path.stat().st_size if path.is_file() else 0
        if size != count * kind.itemsize:
            raise ValueError(
                f"{path} has {size} bytes where {INDEX} says {count * kind.itemsize}: one of the two is damaged or "
                "cut short; build the token file again"
            )
        return np.memmap(path, dtype=kind, mode="r", shape=(count,))


def vocabulary_hash(tokenizer: ConvBertTokenizer) -> str:
    """Return a fingerprint (sha256) of the vocabulary: all tokens in the order of their ids."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return hashlib.sha256("\n".join(tokens).encode()).hexdigest()


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
        # What a run that was killed has left.
        shutil.rmtree(self._beside, ignore_errors=True)
        self._beside.mkdir(parents=True)
        self._files = {name: (self._beside / name).open("wb") for name in (TOKENS, OFFSETS)}
        self._sums = {name: hashlib.sha256() for name in self._files}
        self._write(OFFSETS, np.zeros(1, dtype="<u8"))
        return self

    def add(self, sentences: list[list[int]]) -> None:
        """Pack one document, given as the token ids of its sentences."""
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
                # What a full disk did not take is thrown away.
                with suppress(OSError):
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
    """Yield for each document the token ids of its sentences."""
    sentences = [split_sentences(document) for document in documents]
    flat = [sentence for document in sentences for sentence in document]
    ids = iter(tokenizer(flat, add_special_tokens=False)["input_ids"] if flat else [])
    for document in sentences:
        yield [next(ids) for _ in document]
