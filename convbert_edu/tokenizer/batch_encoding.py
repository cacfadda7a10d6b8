"""What the tokenizer returns: a dictionary that a model takes as it is, `model(**batch)` (lesson 01)."""

from typing import Any, Self

import numpy as np
import torch
from tokenizers import Encoding


class TokenBatch(dict):
    """The rows of one call: `batch["input_ids"]` or, the same, `batch.input_ids`.

    `encodings` holds the `tokenizers.Encoding` of every row, which knows where each token came from.
    """

    def __init__(self, data: dict[str, Any], encodings: list[Encoding]):
        super().__init__(data)
        self.encodings = encodings

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"this batch has no {name!r}; it has {', '.join(self)}") from None

    def to(self, device: str | torch.device | int) -> Self:
        """Move every tensor to `device`, in place, and return the batch."""
        for name, value in self.items():
            if isinstance(value, torch.Tensor):
                self[name] = value.to(device)
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Return the tokens of one row as text."""
        return self.encodings[batch_index].tokens

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return for each token of a row the index of the word it belongs to; None for special tokens."""
        return self.encodings[batch_index].word_ids

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return for each token of a row 0 for the first text, 1 for the second, None for special tokens."""
        return self.encodings[batch_index].sequence_ids

    def is_cut(self) -> list[bool]:
        """Return for each row whether truncation took a part of its text away."""
        return [bool(encoding.overflowing) for encoding in self.encodings]

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the position of the token that holds a character of a text; None for a space or a cut-off part.

        Call it as `char_to_token(row, character)`, or `char_to_token(character)` for row 0;
        `sequence_index=1` counts characters in the second text.
        """
        if char_index is None:
            batch_or_char_index, char_index = 0, batch_or_char_index
        return self.encodings[batch_or_char_index].char_to_token(char_index, sequence_index)


def build_batch(
    encodings: list[Encoding],
    *,
    flat: bool,
    return_tensors: str | None,
    return_token_type_ids: bool,
    return_attention_mask: bool,
    return_overflowing_tokens: bool,
    return_special_tokens_mask: bool,
    return_offsets_mapping: bool,
) -> TokenBatch:
    """Collect the wanted columns of all rows; `flat` takes the only row out of its list.

    Raises ValueError when tensors are wanted of rows that are not equally long.
    """
    rows, sample_of_row = [], []
    for sample, encoding in enumerate(encodings):
        pieces = [encoding, *encoding.overflowing] if return_overflowing_tokens else [encoding]
        rows += pieces
        sample_of_row += [sample] * len(pieces)

    data: dict[str, Any] = {"input_ids": [row.ids for row in rows]}
    if return_token_type_ids:
        data["token_type_ids"] = [row.type_ids for row in rows]
    if return_attention_mask:
        data["attention_mask"] = [row.attention_mask for row in rows]
    if return_special_tokens_mask:
        data["special_tokens_mask"] = [row.special_tokens_mask for row in rows]
    if return_offsets_mapping:
        data["offset_mapping"] = [row.offsets for row in rows]
    if flat:
        data = {name: column[0] for name, column in data.items()}
    if return_overflowing_tokens:
        data["overflow_to_sample_mapping"] = sample_of_row
    if return_tensors is not None:
        data = _to_arrays(data, return_tensors)
    return TokenBatch(data, rows)


def _to_arrays(data: dict[str, Any], return_tensors: str) -> dict[str, Any]:
    lengths = {len(row) for row in data["input_ids"]}
    if len(lengths) > 1:
        raise ValueError(
            f"return_tensors={return_tensors!r} needs rows of one length, but they have {min(lengths)} to "
            f"{max(lengths)} tokens; add padding=True, and truncation=True to cut those longer than max_length"
        )
    arrays = {name: np.array(rows, dtype=np.int64) for name, rows in data.items()}
    if return_tensors == "np":
        return arrays
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
