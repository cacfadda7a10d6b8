"""The weighted sum over each token's window, and its gradient by hand (lesson 14). About speed: read it last.

out[t] = sum_j w[t, j] V_c[t + j - r], with r = k // 2, the sum that ends every convolution of lesson 03.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Values = Float[Tensor, "batch seq heads head_size"]
Kernels = Float[Tensor, "batch seq heads kernel"]


def apply_kernels(values: Values, kernels: Kernels) -> Values:
    """Return the weighted sum of the window around each token: out[t] = sum_j w[t, j] V_c[t + j - r], r = k // 2.

    Values beyond both ends of the sequence are zero. One shifted multiply-add per kernel weight; the window
    itself, k times as large as the values, is never built.
    """
    if torch.compiler.is_compiling():
        # A compiler finds the gradient by itself, and joins the k steps.
        return dynamic_conv(values, kernels)
    return DynamicConvFunction.apply(values, kernels)


def dynamic_conv(values: Values, kernels: Kernels) -> Values:
    """Compute the sum of `apply_kernels`, one position of the window after the other."""
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

        w[t, j] is multiplied with V_c[t + j - r], so its gradient is gradient[t] . V_c[t + j - r]. A value takes part
        in the windows of its neighbours: its gradient is the same sum once more, with each kernel reversed.
        """
        values, kernels = ctx.saved_tensors
        seq, positions = values.shape[1], range(kernels.shape[-1])
        padded_values, padded_kernels = pad_ends(values, kernels), pad_ends(kernels, kernels)
        kernel_gradient = [torch.linalg.vecdot(gradient, padded_values[:, j : j + seq]) for j in positions]
        reversed_kernels = [padded_kernels[:, j : j + seq, :, -1 - j] for j in positions]
        value_gradient = dynamic_conv(gradient, torch.stack(reversed_kernels, dim=-1))
        return value_gradient, torch.stack(kernel_gradient, dim=-1)


def pad_ends(
    vectors: Float[Tensor, "batch seq heads width"], kernels: Kernels
) -> Float[Tensor, "batch padded heads width"]:
    """Put zeros before the first and after the last token, as far as half a window reaches."""
    reach = kernels.shape[-1] // 2
    return F.pad(vectors, (0, 0, 0, 0, reach, reach))
