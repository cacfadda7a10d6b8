"""The token file: all sequences of a corpus on disk, read in place, so that 100 GB need no more memory than 1 MB.

A folder with three files:
tokens.bin    the token numbers of all sequences, one after the other (2 bytes each, 4 where the vocabulary is large)
offsets.bin   where each sequence begins, and where the last one ends (8 bytes each)
index.json    how many there are, for which vocabulary, and the sha256 of the other two
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from convbert_edu.tokenizer import ConvBertTokenizer

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
        """Return the sequences `numbers` as an array [rows, width] of token numbers; what is longer is cut."""
        starts = self._offsets[numbers].astype(np.int64)[:, None]
        places = np.arange(width)
        inside = places < self.lengths(numbers)[:, None]
        ids = self._tokens[np.where(inside, starts + places, 0)].astype(np.int64)
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
                f"{self.folder} was made with another vocabulary than that of {tokenizer}: the same numbers would "
                "mean other words. Use the tokenizer that lies beside the token file, or build the file again"
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
    """Return a fingerprint (sha256) of the vocabulary: all tokens in the order of their numbers."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return hashlib.sha256("\n".join(tokens).encode()).hexdigest()
