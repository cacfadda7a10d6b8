"""Weigh the window around each token with its kernel; and the gradient of that, by hand."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Values = Float[Tensor, "batch seq heads head_size"]
Kernels = Float[Tensor, "batch seq heads kernel"]


def apply_kernels(values: Values, kernels: Kernels) -> Values:
    """Weigh the window around each token: out[t] = sum_j kernel[t, j] * value[t + j - k//2].

    Values beyond both ends of the sequence are zero. One shifted multiply-add per kernel weight; the window
    itself, k times as large as the values, is never built.
    """
    if torch.compiler.is_compiling():
        return dynamic_conv(values, kernels)  # a compiler finds the gradient by itself, and joins the k steps
    return DynamicConvFunction.apply(values, kernels)


def dynamic_conv(values: Values, kernels: Kernels) -> Values:
    """Do the sum of `apply_kernels`, one place of the window after the other."""
    seq, padded = values.shape[1], pad_ends(values, kernels)
    out = padded[:, :seq] * kernels[..., :1]
    for j in range(1, kernels.shape[-1]):
        out.addcmul_(padded[:, j : j + seq], kernels[..., j : j + 1])
    return out


class DynamicConvFunction(torch.autograd.Function):
    """`dynamic_conv` with its gradient.

    PyTorch finds the same gradient by itself, but keeps track of each of the k shifted pieces and takes two to three
    times as long (benchmarks/parts.py).
    """

    @staticmethod
    def forward(ctx: Any, values: Values, kernels: Kernels) -> Values:
        """Return the sums; keep what the gradient needs."""
        ctx.save_for_backward(values, kernels)
        return dynamic_conv(values, kernels)

    @staticmethod
    def backward(ctx: Any, gradient: Values) -> tuple[Values, Kernels]:
        """Return the gradients of values and kernels.

        kernel[t, j] met value[t + j - k//2], so its gradient is gradient[t] . value[t + j - k//2]. A value weighs in
        the windows of its neighbours: its gradient is the same sum once more, with the weights turned around.
        """
        values, kernels = ctx.saved_tensors
        seq, positions = values.shape[1], range(kernels.shape[-1])
        padded_values, padded_kernels = pad_ends(values, kernels), pad_ends(kernels, kernels)
        met = [torch.linalg.vecdot(gradient, padded_values[:, j : j + seq]) for j in positions]
        turned = [padded_kernels[:, j : j + seq, :, -1 - j] for j in positions]
        return dynamic_conv(gradient, torch.stack(turned, dim=-1)), torch.stack(met, dim=-1)


def pad_ends(
    vectors: Float[Tensor, "batch seq heads width"], kernels: Kernels
) -> Float[Tensor, "batch padded heads width"]:
    """Put zeros before the first and after the last token, as far as half a window reaches."""
    reach = kernels.shape[-1] // 2
    return F.pad(vectors, (0, 0, 0, 0, reach, reach))
