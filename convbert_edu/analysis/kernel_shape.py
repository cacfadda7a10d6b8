"""The shape of a kernel: how spread out it is, and to which side it leans."""

import torch
from jaxtyping import Float
from torch import Tensor


def kernel_entropy(kernels: Float[Tensor, "*heads seq kernel"]) -> Float[Tensor, "*heads seq"]:
    """Return the entropy of each kernel as a share of the largest: 0 is one word alone, 1 is all words alike.

    - sum_j w_j log w_j / log k. A kernel of one weight has entropy 0.
    """
    size = kernels.shape[-1]
    if size == 1:
        return torch.zeros_like(kernels[..., 0])
    return torch.special.entr(kernels).sum(dim=-1) / torch.tensor(float(size)).log()


def kernel_centre(kernels: Float[Tensor, "*heads seq kernel"]) -> Float[Tensor, "*heads seq"]:
    """Return the centre of mass of each kernel, in words from the middle: below 0 it leans to the words before.

    sum_j w_j (j - k // 2).
    """
    size = kernels.shape[-1]
    offsets = torch.arange(size, device=kernels.device) - size // 2
    return (kernels * offsets).sum(dim=-1)
