"""From texts to batches: tokenise, sort by length, pad."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from convbert_edu.tokenizer import ConvBertTokenizer

# Batches are cut from pools of this many batches, sorted by length: long and short texts rarely meet, little is
# padding, and the order still changes from epoch to epoch.
POOL = 20


@dataclass(frozen=True)
class EncodedTexts:
    """Texts as token numbers, with a label each: what a training loop takes batches from."""

    input_ids: list[list[int]]
    token_type_ids: list[list[int]]
    labels: Tensor
    pad_token_id: int

    def __len__(self) -> int:
        return len(self.input_ids)

    def batch(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Return some rows as tensors [rows, longest of them], padded on the right, ready for a model."""
        longest = max(len(self.input_ids[row]) for row in rows)

        def padded(sequences: list[list[int]], filler: int) -> Tensor:
            return torch.tensor([sequences[row] + [filler] * (longest - len(sequences[row])) for row in rows])

        lengths = torch.tensor([len(self.input_ids[row]) for row in rows])
        return {
            "input_ids": padded(self.input_ids, self.pad_token_id),
            "token_type_ids": padded(self.token_type_ids, 0),
            "attention_mask": (torch.arange(longest) < lengths.unsqueeze(1)).long(),
            "labels": self.labels[list(rows)],
        }


def encode_texts(
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    labels: Sequence[int] | Sequence[float] | Sequence[Sequence[float]],
    max_length: int = 128,
) -> EncodedTexts:
    """Tokenise `texts`, cut each to `max_length` tokens, and keep the labels beside them.

    Raises ValueError when there are no texts, or not one label for each.
    """
    if len(texts) == 0 or len(texts) != len(labels):
        raise ValueError(
            f"got {len(texts)} texts and {len(labels)} labels; give at least one text, and a label for each"
        )
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)
    return EncodedTexts(
        encoded["input_ids"], encoded["token_type_ids"], torch.tensor(labels), tokenizer.pad_token_id
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
