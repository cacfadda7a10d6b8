"""From a fixed kernel to the span-based dynamic kernel: the idea of the paper, in three steps (lesson 03).

A convolution head replaces each token by a weighted sum of the k tokens around it,
out[t] = sum_j w[t, j] V_c[t + j - r] with r = k // 2. The three classes differ only in where the k weights w[t],
the kernel, come from:

FixedConvolution        LConv   the same kernel at every position: lightweight convolution (Wu et al., 2019)
DynamicConvolution      DConv   a kernel made from the token itself: dynamic convolution (Wu et al., 2019)
SpanDynamicConvolution  SDConv  a kernel made from the token and its span: ConvBERT (Jiang et al., 2020)

In the paper's formula SDConv takes the V of self-attention. In both published codes, and here, the convolution has
values of its own, V_c; with config.shared_values it takes V.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.device import full_precision
from convbert_edu.layers.apply_kernels import apply_kernels


class ConvolutionHeads(nn.Module):
    """What the three kinds of convolution have in common: values, and a weighted sum over each window."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads_per_branch
        # None: they come from outside, see config.shared_values.
        self.value = None if config.shared_values else nn.Linear(config.hidden_size, config.branch_size)

    def kernels(
        self,
        query: Float[Tensor, "batch seq branch"],
        hidden_states: Float[Tensor, "batch seq hidden"],
        mask: Float[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq heads kernel"]:
        """Return the k weights of every window and head; they are positive and sum to 1."""
        raise NotImplementedError("use FixedConvolution, DynamicConvolution or SpanDynamicConvolution")

    def forward(
        self,
        query: Float[Tensor, "batch seq branch"],
        hidden_states: Float[Tensor, "batch seq hidden"],
        mask: Float[Tensor, "batch seq"] | None = None,
        values: Float[Tensor, "batch seq branch"] | None = None,
    ) -> tuple[Float[Tensor, "batch seq branch"], Float[Tensor, "batch heads seq kernel"]]:
        """Return the convolved values and the kernels that were used.

        With a `mask` (1 real, 0 padding) padded tokens never enter a window; without one they do, as in the
        authors' code and in transformers. `values` are those of self-attention, where config.shared_values says so.
        """
        # w: the k weights of every token and head, softmax over k                     [B, n, h, k]
        kernels = self.kernels(query, hidden_states, mask)
        # V_c: X times a matrix of its own, cut into heads                              [B, n, h, d_h]
        if self.value is not None:
            values = self.value(hidden_states)
        elif values is None:
            raise ValueError(
                "shared_values is true, so this convolution has no values of its own; give it those of self-attention"
            )
        if mask is not None:
            values = values * mask.unsqueeze(-1)
        values = values.unflatten(-1, (self.num_heads, -1))
        # out[t] = sum_j w[t, j] V_c[t + j - r], the heads side by side again           [B, n, a]
        out = apply_kernels(values, kernels.to(values.dtype))
        return out.flatten(2), kernels.transpose(1, 2)


class FixedConvolution(ConvolutionHeads):
    """Step 1, LConv: one learned kernel per head, the same for every word: "can" the noun and "can" the verb alike.

    This is the lightweight convolution of Wu et al. (2019), not the ordinary one: its weights are normalised by
    softmax and shared by all channels of a head. Not a part of ConvBERT, whose config.convolution may ask for it to
    compare with: the next two steps improve on it.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.kernel = nn.Parameter(torch.empty(self.num_heads, config.conv_kernel_size))
        nn.init.normal_(self.kernel, std=config.initializer_range)

    def kernels(
        self,
        query: Float[Tensor, "batch seq branch"],
        hidden_states: Float[Tensor, "batch seq hidden"],
        mask: Float[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq heads kernel"]:
        """Return softmax(kernel), the same at every position."""
        batch, seq, _ = query.shape
        return torch.softmax(self.kernel, dim=-1).expand(batch, seq, -1, -1)


class DynamicConvolution(ConvolutionHeads):
    """Step 2, DConv: the kernel depends on the word: w[t] = softmax(W_f q_t) (Wu et al., 2019).

    The same word still gets the same kernel wherever it stands.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.kernel = nn.Linear(config.branch_size, self.num_heads * config.conv_kernel_size)

    def kernels(
        self,
        query: Float[Tensor, "batch seq branch"],
        hidden_states: Float[Tensor, "batch seq hidden"],
        mask: Float[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq heads kernel"]:
        """Return softmax(W_f q_t) over the window, for each token and head."""
        return torch.softmax(self.kernel(query).unflatten(-1, (self.num_heads, -1)), dim=-1)


class SpanDynamicConvolution(ConvolutionHeads):
    """Step 3, SDConv: the kernel depends on the word and its span: w[t] = softmax(W_f (q_t * k_t)).

    k_t, a row of the span-aware key K_s, is a small convolution over the neighbours of t; so "can" gets one kernel
    after "a tin" and another after "you".
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.span_key = SpanAwareKey(config)
        self.kernel = nn.Linear(config.branch_size, self.num_heads * config.conv_kernel_size)

    def kernels(
        self,
        query: Float[Tensor, "batch seq branch"],
        hidden_states: Float[Tensor, "batch seq hidden"],
        mask: Float[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq heads kernel"]:
        """Return softmax(W_f (q_t * k_t)) over the window, for each token and head."""
        # Q * K_s, element by element                                                  [B, n, a]
        word_in_context = query * self.span_key(hidden_states, mask)
        # w = softmax(W_f (Q * K_s))                                                    [B, n, h k] -> [B, n, h, k]
        return torch.softmax(self.kernel(word_in_context).unflatten(-1, (self.num_heads, -1)), dim=-1)


class SpanAwareKey(nn.Module):
    """K_s: one vector per token that knows its neighbours, by a depthwise separable convolution.

    Depthwise: each channel is filtered along the sequence by its own k weights. Pointwise: a matrix then mixes
    the channels. It reads the block's input X, not the attention's key.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.depthwise = nn.Parameter(torch.empty(config.hidden_size, config.conv_kernel_size))
        self.reset_parameters()
        self.pointwise = nn.Linear(config.hidden_size, config.branch_size, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.branch_size))

    def reset_parameters(self) -> None:
        """Initialise the depthwise filters as the authors' code does: wider than the other weights."""
        std = 1 / self.depthwise.shape[1]
        nn.init.trunc_normal_(self.depthwise, std=std, a=-2 * std, b=2 * std)

    def forward(
        self,
        hidden_states: Float[Tensor, "batch seq hidden"],
        mask: Float[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq branch"]:
        """Return the span-aware key of every token; with a `mask`, padding counts as zeros."""
        if mask is not None:
            hidden_states = hidden_states * mask.unsqueeze(-1)
        channels, kernel_size = self.depthwise.shape
        # As an image one pixel high, our [B, n, d] already lies in memory the way that fast 2-D convolutions want it
        # (channels last), so that nothing is copied; conv1d would transpose it twice.                 [B, d, 1, n]
        image = hidden_states.transpose(1, 2).unsqueeze(2)
        filters = self.depthwise[:, None, None, :]
        # In bfloat16 the backward pass would be slow, and there is little to gain.
        with full_precision(hidden_states.device):
            # depthwise: sum_j F[c, j] X[t + j - r, c] for each channel c                              [B, d, 1, n]
            image = image.to(filters.dtype)
            filtered = F.conv2d(image, filters, padding=(0, kernel_size // 2), groups=channels)
        # pointwise: K_s = (filtered X) W_s + bias                                                     [B, n, a]
        return self.pointwise(filtered.squeeze(2).transpose(1, 2)) + self.bias
