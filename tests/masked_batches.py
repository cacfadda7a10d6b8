"""One masked batch, made by hand, for the tests of both pretraining games."""

import torch
from torch import Tensor

PAD, CLS, SEP, MASK = 0, 2, 3, 4


def make_round(rows: int = 3, width: int = 12, vocab_size: int = 99, seed: int = 0) -> dict[str, Tensor]:
    """A batch of `rows` sequences with two hidden words each; the last row ends in three places of padding."""
    draw = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, vocab_size, (rows, width), generator=draw)
    ids[:, 0], ids[:, -1] = CLS, SEP
    ids[-1, -4], ids[-1, -3:] = SEP, PAD
    types = torch.zeros_like(ids)
    types[0, 6:] = 1
    hidden = torch.tensor([row * width + place for row in range(rows) for place in (2, 3 + row)])
    masked = ids.flatten().scatter(0, hidden[1:], MASK).view_as(ids)  # the first hidden word stays as it is
    return {
        "input_ids": masked,
        "attention_mask": (ids != PAD).long(),
        "token_type_ids": types,
        "original_ids": ids,
        "maskable": ids >= 5,
        "masked_positions": hidden,
        "uniform_samples": torch.rand(len(hidden), generator=draw),
    }
