"""From texts to batches: tokenise, sort by length, pad (lesson 09 builds it).

All encoded data sets are one family. `EncodedRows` holds token ids and makes tensors of some rows; each class below it
adds the targets of one task. Side by side, what a row is and what its batch has beside the inputs:

EncodedRows             a text or a pair                        no targets
EncodedTexts            the same                                labels [rows], or [rows, labels]
EncodedTextWindows      a window of a long text                 the same; example_of_row says which text it is from
EncodedTokens           a text, or the part that fits a row     labels [rows, width], one for each token
EncodedMaskedTexts      the same, masked anew in each epoch     labels [rows, width], masked_positions [masked]
EncodedFillMask         a text in which [MASK] stands already   the same, at these positions
EncodedQuestionWindows  a question and a window of its context  start_positions, end_positions [rows]
EncodedChoices          a question with all its choices         labels [rows]; the inputs are [rows, choices, width]
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.tokenizer.padding import check_is_no_string

# Batches are cut from pools of this many batches, sorted by length: long and short texts rarely meet, little is
# padding, and the order still changes from epoch to epoch.
POOL = 20
# Texts that are tokenised in one call: what the tokenizer says of a text takes far more memory than its token ids.
TEXTS_AT_ONCE = 1000

# The characters of a text from the first number to before the second.
Span = tuple[int, int]
# Takes token ids [rows, width], the numbers of the rows and the epoch; returns the ids with [MASK] put in, and which
# positions are masked. Always the same ones in the same epoch.
MaskRows = Callable[[np.ndarray, Sequence[int], int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class EncodedRows:
    """Texts, or pairs of them, as token ids: what a training loop takes batches from.

    cut: how many examples were longer than their rows and lost a part
    """

    input_ids: list[list[int]]
    token_type_ids: list[list[int]]
    pad_token_id: int
    cut: int = 0

    def __len__(self) -> int:
        return len(self.input_ids)

    @cached_property
    def lengths(self) -> list[int]:
        """The number of tokens of each row."""
        return [len(ids) for ids in self.input_ids]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows as tensors [rows, width], padded on the right, ready for a model.

        width: that of the longest row if left out
        epoch: for what is random in each epoch
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


@dataclass(frozen=True, kw_only=True)
class EncodedTextWindows(EncodedTexts):
    """Windows of long texts with the label of their text, and the number of the text that each row belongs to."""

    example_of_row: list[int]


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


@dataclass(frozen=True, kw_only=True)
class EncodedMaskedTexts(EncodedRows):
    """Texts whose tokens are masked when a batch is made: always the same ones in the same epoch."""

    mask_rows: MaskRows
    example_of_row: list[int]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with [MASK] put in, as `labels` the masked tokens (-100 elsewhere), and their positions."""
        batch = super().batch(rows, width, epoch)
        masked_ids, is_masked = self.mask_rows(batch["input_ids"].numpy(), rows, epoch)
        labels = batch["input_ids"].masked_fill(torch.from_numpy(~is_masked), IGNORE_INDEX)
        return with_masked_positions({**batch, "input_ids": torch.from_numpy(masked_ids), "labels": labels})


@dataclass(frozen=True, kw_only=True)
class EncodedFillMask(EncodedTokens):
    """Texts in which [MASK] stands already; `labels` mark these positions, `tokenizer` names what is predicted."""

    tokenizer: ConvBertTokenizer

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with their `labels` and the positions that these mark."""
        return with_masked_positions(super().batch(rows, width, epoch))


@dataclass(frozen=True, kw_only=True)
class EncodedQuestionWindows(EncodedRows):
    """Rows [CLS] question [SEP] a window of the context [SEP].

    example_of_row: the example that each window belongs to
    spans: for each token of a window the characters of the context; None for all other tokens
    starts, ends: [rows] the first and last token of the answer; 0, the position of [CLS], where the window lacks it
    """

    example_of_row: list[int]
    spans: list[list[Span | None]]
    starts: Tensor
    ends: Tensor

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with `start_positions` and `end_positions`."""
        positions = {"start_positions": self.starts[list(rows)], "end_positions": self.ends[list(rows)]}
        return {**super().batch(rows, width, epoch), **positions}

    def with_no_answer_ratio(self, ratio: float) -> Self:
        """Return the windows that hold the answer and, evenly spread, a share `ratio` of those without an answer.

        In long contexts most windows hold no answer, and a few of them show as well as all what such a one looks like.
        Raises ValueError where nothing is left.
        """
        no_answer = (self.starts == 0) & (self.ends == 0)
        # Windows without an answer that come before one: the count of kept ones grows by `ratio` with each.
        before = no_answer.cumsum(0) - 1
        is_kept = ((before + 1) * ratio).floor() > (before * ratio).floor()
        kept = torch.nonzero(~no_answer | is_kept).flatten().tolist()
        if not kept:
            raise ValueError(
                f"no_answer_window_ratio is {ratio}, and none of the {len(self)} windows holds an answer: nothing is "
                "left to learn from; raise no_answer_window_ratio, or give questions with answers"
            )
        return self.select(kept)

    def select(self, rows: Sequence[int]) -> Self:
        """Return some of the windows."""
        return replace(
            self,
            input_ids=[self.input_ids[row] for row in rows],
            token_type_ids=[self.token_type_ids[row] for row in rows],
            example_of_row=[self.example_of_row[row] for row in rows],
            spans=[self.spans[row] for row in rows],
            starts=self.starts[list(rows)],
            ends=self.ends[list(rows)],
        )


@dataclass(frozen=True, kw_only=True)
class EncodedChoices(EncodedRows):
    """Questions with `count` choices each, read once with each of them: the token ids are those of the readings.

    The readings of a question stand side by side; the rows that a batch is made of are whole questions.
    """

    count: int
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def lengths(self) -> list[int]:
        """The number of tokens of the longest reading of each question."""
        starts = range(0, len(self.input_ids), self.count)
        return [max(map(len, self.input_ids[at : at + self.count])) for at in starts]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some questions as tensors [rows, choices, width], with their `labels`."""
        readings = [row * self.count + choice for row in rows for choice in range(self.count)]
        batch = super().batch(readings, width, epoch)
        apart = {name: tensor.unflatten(0, (len(rows), self.count)) for name, tensor in batch.items()}
        return {**apart, "labels": self.labels[list(rows)]}


def with_masked_positions(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a batch with `masked_positions`, counted through its flattened rows: the only tokens to be scored."""
    return {**batch, "masked_positions": torch.nonzero(batch["labels"].flatten() != IGNORE_INDEX).flatten()}


def pad_rows(rows: list[list[int]], width: int, filler: int) -> Int[Tensor, "rows width"]:
    """Return rows of numbers as one tensor, filled up on the right."""
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])


def encode_rows(
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int,
    text_pairs: Sequence[str] | None = None,
) -> EncodedRows:
    """Tokenise `texts`, or pairs, TEXTS_AT_ONCE at a time, and cut each to `max_length` tokens.

    Raises TypeError where `texts` is one string, ValueError where there is not one text of a pair for each.
    """
    check_is_no_string(texts)
    if text_pairs is not None and len(text_pairs) != len(texts):
        raise ValueError(f"got {len(texts)} texts and {len(text_pairs)} text_pairs; give one for each")
    input_ids, token_type_ids, cut = [], [], 0
    for at in range(0, len(texts), TEXTS_AT_ONCE):
        some = slice(at, at + TEXTS_AT_ONCE)
        first, second = (None if each is None else list(each[some]) for each in (texts, text_pairs))
        encoded = tokenizer(
            first, second, truncation=True, max_length=max_length, return_attention_mask=False
        )
        input_ids.extend(encoded["input_ids"])
        token_type_ids.extend(encoded["token_type_ids"])
        cut += sum(encoded.is_cut())
    return EncodedRows(
        input_ids=input_ids, token_type_ids=token_type_ids, pad_token_id=tokenizer.pad_token_id, cut=cut
    )


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
        cut=rows.cut,
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
