"""A text that is longer than a row: it is read in windows, one after the other, and their scores are averaged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from convbert_edu.data.batching import EncodedRows, EncodedTexts


@dataclass(frozen=True, kw_only=True)
class WindowedTexts(EncodedTexts):
    """Rows with the label of their text, and the number of the text that each row is a window of."""

    example_of_row: list[int]


def in_windows(
    rows: EncodedRows, labels: Sequence[int] | Sequence[float] | Sequence[Sequence[float]], max_length: int
) -> WindowedTexts:
    """Divide rows [CLS] text [SEP] of more than `max_length` tokens into windows of (nearly) equal length.

    Equal, because the rest of a text that just misses fitting would be a window of a word or two, which says nothing.
    """
    input_ids, token_type_ids, example_of_row = [], [], []
    for number, (ids, types) in enumerate(zip(rows.input_ids, rows.token_type_ids, strict=True)):
        for start, end in _bounds(len(ids) - 2, max_length - 2):
            input_ids.append([ids[0], *ids[1 + start : 1 + end], ids[-1]])
            token_type_ids.append([types[0], *types[1 + start : 1 + end], types[-1]])
            example_of_row.append(number)
    return WindowedTexts(
        input_ids=input_ids,
        token_type_ids=token_type_ids,
        pad_token_id=rows.pad_token_id,
        labels=torch.tensor([labels[number] for number in example_of_row]),
        example_of_row=example_of_row,
    )


def mean_scores(results: Sequence[np.ndarray], example_of_row: Sequence[int]) -> np.ndarray:
    """Return the scores of each text, [texts, scores]: the mean of those of its windows."""
    texts = np.array(example_of_row)
    sums = np.zeros((texts.max() + 1, len(results[0])), dtype=np.float32)
    np.add.at(sums, texts, np.stack(results))
    return sums / np.bincount(texts)[:, None].astype(np.float32)


def _bounds(length: int, room: int) -> list[tuple[int, int]]:
    """Return where the windows over `length` tokens begin and end, when `room` of them fit into one."""
    count = math.ceil(length / room) if length else 1
    edges = [length * part // count for part in range(count + 1)]
    return list(pairwise(edges))
