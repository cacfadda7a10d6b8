"""Dropout, with random numbers that cost little on a CPU (lesson 14). About speed: read it last."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.device import draws_one_by_one

# How many values a random number of 16 bits has.
LEVELS = 2**16


class Dropout(nn.Dropout):
    """In training, set each number to zero with probability p, and divide the others by 1 - p (Srivastava et al. 2014).

    It does what nn.Dropout does. But a CPU draws random numbers one after the other, and one for each activation and
    each attention weight takes a good part of a training step (benchmarks/parts.py); here one draw of 64 bits decides
    for four of them, and p is rounded to a multiple of 1/65536.
    """

    def forward(self, inputs: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return the inputs, unchanged outside training."""
        levels_kept = round((1 - self.p) * LEVELS)
        by_torch = torch.compiler.is_compiling() or not draws_one_by_one(inputs.device)
        if not self.training or by_torch or levels_kept in (0, LEVELS):
            return F.dropout(inputs, self.p, self.training)
        draws = torch.randint(-(2**63), 2**63 - 1, (inputs.numel() // 4 + 1,))
        # from -32768 to 32767
        numbers = draws.view(torch.int16)[: inputs.numel()].view(inputs.shape)
        kept = numbers < levels_kept - LEVELS // 2
        return inputs * kept / (levels_kept / LEVELS)


def set_dropout(model: nn.Module, rate: float) -> None:
    """Give every dropout of `model` this rate, in place; its configuration keeps its own, for the next training."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
