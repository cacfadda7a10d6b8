"""From texts to batches: tokenise, sort by length, pad."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.tokenizer import ConvBertTokenizer

# Batches are cut from pools of this many batches, sorted by length: long and short texts rarely meet, little is
# padding, and the order still changes from epoch to epoch.
POOL = 20
PIECE = 1000  # texts that are tokenised at a time: the tokenizer's particulars of a text take far more than its tokens


@dataclass(frozen=True, kw_only=True)
class EncodedRows:
    """Texts, or pairs of them, as token numbers: what a training loop takes batches from.

    A task adds its labels in a class of its own (see convbert_edu/tasks).
    """

    input_ids: list[list[int]]
    token_type_ids: list[list[int]]
    pad_token_id: int

    def __len__(self) -> int:
        return len(self.input_ids)

    @cached_property
    def lengths(self) -> list[int]:
        """The number of tokens of each row."""
        return [len(ids) for ids in self.input_ids]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows as tensors [rows, width], padded on the right, ready for a model.

        width: that of the longest row if left out
        epoch: for what is drawn anew each time the data is read
        """
        lengths = torch.tensor([len(self.input_ids[row]) for row in rows])
        width = width or int(lengths.max())
        return {
            "input_ids": pad_rows([self.input_ids[row] for row in rows], width, self.pad_token_id),
            "token_type_ids": pad_rows([self.token_type_ids[row] for row in rows], width, 0),
            "attention_mask": (torch.arange(width) < lengths.unsqueeze(1)).long(),
        }


@dataclass(frozen=True, kw_only=True)
class EncodedTexts(EncodedRows):
    """Texts with a label each: [texts] class numbers or values, or [texts, labels] of 0 and 1."""

    labels: Tensor

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with their `labels`."""
        return {**super().batch(rows, width, epoch), "labels": self.labels[list(rows)]}


def pad_rows(rows: list[list[int]], width: int, filler: int) -> Int[Tensor, "rows width"]:
    """Return rows of numbers as one tensor, filled up on the right."""
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])


def encode_rows(
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int,
    text_pairs: Sequence[str] | None = None,
) -> EncodedRows:
    """Tokenise `texts`, or pairs, a piece at a time, and cut each to `max_length` tokens."""
    rows = EncodedRows(input_ids=[], token_type_ids=[], pad_token_id=tokenizer.pad_token_id)
    for at in range(0, len(texts), PIECE):
        first, second = (
            None if each is None else list(each[at : at + PIECE]) for each in (texts, text_pairs)
        )
        encoded = tokenizer(
            first, second, truncation=True, max_length=max_length, return_attention_mask=False
        )
        rows.input_ids.extend(encoded["input_ids"])
        rows.token_type_ids.extend(encoded["token_type_ids"])
    return rows


def encode_texts(
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    labels: Sequence[int] | Sequence[float] | Sequence[Sequence[float]],
    max_length: int = 128,
    text_pairs: Sequence[str] | None = None,
) -> EncodedTexts:
    """Tokenise `texts`, cut each to `max_length` tokens, and keep the labels beside them.

    Raises ValueError when there are no texts, or not one label for each.
    """
    if len(texts) == 0 or len(texts) != len(labels):
        raise ValueError(
            f"got {len(texts)} texts and {len(labels)} labels; give at least one text, and a label for each"
        )
    rows = encode_rows(tokenizer, texts, max_length, text_pairs)
    return EncodedTexts(
        input_ids=rows.input_ids,
        token_type_ids=rows.token_type_ids,
        pad_token_id=rows.pad_token_id,
        labels=torch.tensor(labels),
    )


def batches_by_length(
    lengths: Sequence[int], batch_size: int, shuffle: torch.Generator | None = None
) -> Iterator[list[int]]:
    """Yield row numbers in batches of similar length; each row exactly once.

    Without `shuffle` the longest rows come first (a batch that is too large for memory fails at once). With it
    both the pools and the order of the batches are drawn at random.
    """
    if shuffle is None:
        order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
        yield from (order[at : at + batch_size] for at in range(0, len(order), batch_size))
        return
    order = torch.randperm(len(lengths), generator=shuffle).tolist()
    batches = []
    for at in range(0, len(order), POOL * batch_size):
        pool = sorted(order[at : at + POOL * batch_size], key=lambda row: lengths[row])
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for number in torch.randperm(len(batches), generator=shuffle).tolist():
        yield batches[number]


def batches_by_tokens(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield row numbers, longest rows first, in batches of at most `budget` tokens, padding counted.

    Each row comes exactly once; one that is longer than the budget is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    at = 0
    while at < len(order):
        count = max(1, budget // max(1, lengths[order[at]]))
        yield order[at : at + count]
        at += count


# Rows with a label for each token: what token classification and masked words learn from.


@dataclass(frozen=True, kw_only=True)
class EncodedTokens(EncodedRows):
    """Texts with a label for each token (-100: takes no part), and the example that each row belongs to."""

    labels: list[list[int]]
    example_of_row: list[int]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with their `labels` [rows, width]."""
        batch = super().batch(rows, width, epoch)
        labels = pad_rows([self.labels[row] for row in rows], batch["input_ids"].shape[1], IGNORE_INDEX)
        return {**batch, "labels": labels}
