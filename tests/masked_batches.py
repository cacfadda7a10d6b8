"""One masked batch, made by hand, for the tests of both pretraining objectives."""

import torch
from torch import Tensor

PAD, CLS, SEP, MASK = 0, 2, 3, 4


def make_masked_batch(
    rows: int = 3, width: int = 12, vocab_size: int = 99, seed: int = 0
) -> dict[str, Tensor]:
    """A batch of `rows` sequences with two masked tokens each; the last row ends in three positions of padding."""
    draw = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, vocab_size, (rows, width), generator=draw)
    ids[:, 0], ids[:, -1] = CLS, SEP
    ids[-1, -4], ids[-1, -3:] = SEP, PAD
    types = torch.zeros_like(ids)
    types[0, 6:] = 1
    columns = [(row, column) for row in range(rows) for column in (2, 3 + row)]
    masked_positions = torch.tensor([row * width + column for row, column in columns])
    # The first masked token stays as it is.
    masked_ids = ids.flatten().scatter(0, masked_positions[1:], MASK).view_as(ids)
    return {
        "input_ids": masked_ids,
        "attention_mask": (ids != PAD).long(),
        "token_type_ids": types,
        "original_ids": ids,
        "maskable": ids >= 5,
        "masked_positions": masked_positions,
        "uniform_samples": torch.rand(len(masked_positions), generator=draw),
    }
