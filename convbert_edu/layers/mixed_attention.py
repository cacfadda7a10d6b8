"""Mixed attention: heads that see the whole sentence beside heads that see a window (lesson 04).

Mixed-Attn(Q, K, K_s, V) = Concat(Self-Attn(Q, K, V), SDConv(Q, K_s, V_c)), the paper's block. To compare with,
config.convolution puts lesson 03's other two kinds of convolution in the place of SDConv; and below stands BERT's
block, in which every head is self-attention.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers.dynamic_convolution import (
    ConvolutionHeads,
    DynamicConvolution,
    FixedConvolution,
    SpanDynamicConvolution,
)
from convbert_edu.layers.self_attention import SelfAttention

# The values of config.convolution.
CONVOLUTIONS: dict[str, type[ConvolutionHeads]] = {
    "span": SpanDynamicConvolution,
    "dynamic": DynamicConvolution,
    "fixed": FixedConvolution,
}


class MixedAttention(nn.Module):
    """Concat(SelfAttention(Q, K, V), SpanDynamicConvolution(Q, K_s, V_c)), then a dense layer (Mixed-Attn).

    Owns what both kinds of heads share, the query, and the output layer that mixes them. In the paper's formula
    both branches take one V; in both published codes, and here, the convolution has values of its own, V_c. With
    config.shared_values it takes the V of self-attention, as the formula says.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.branch_size)
        self.self_attention = SelfAttention(config)
        # SpanDynamicConvolution, unless the configuration asks for one of lesson 03's other kinds to compare with.
        self.convolution = CONVOLUTIONS[config.convolution](config)
        self.output = nn.Linear(2 * config.branch_size, config.hidden_size)
        self.shared_values = config.shared_values

    def forward(
        self,
        hidden_states: Float[Tensor, "batch seq hidden"],
        attention_bias: Float[Tensor, "batch 1 1 seq"] | None = None,
        convolution_mask: Float[Tensor, "batch seq"] | None = None,
        return_attention: bool = False,
    ) -> tuple[
        Float[Tensor, "batch seq hidden"],
        Float[Tensor, "batch heads seq seq"] | None,
        Float[Tensor, "batch heads seq kernel"],
    ]:
        """Return the mixed vectors, the attention map (None unless asked for) and the convolution kernels."""
        # Q = X W_Q, one query for both branches                                      [B, n, d] -> [B, n, a]
        query = self.query(hidden_states)
        # V, where both branches take it; else each computes values of its own              [B, n, a]
        values = self.self_attention.value(hidden_states) if self.shared_values else None
        # Self-Attn(Q, K, V) over the whole sentence, SDConv(Q, K_s, V_c) over a window     [B, n, a] each
        far, attention_map = self.self_attention(
            query, hidden_states, attention_bias, return_attention, values
        )
        near, kernels = self.convolution(query, hidden_states, convolution_mask, values)
        # Concat(...) W_O                                                             [B, n, 2a] -> [B, n, d]
        return self.output(torch.cat([far, near], dim=-1)), attention_map, kernels


class AttentionOnly(nn.Module):
    """SelfAttention(Q, K, V) over all heads, then a dense layer: BERT's block, for config.attention_only.

    Takes and returns what MixedAttention does, without kernels.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.branch_size)
        self.self_attention = SelfAttention(config)
        self.output = nn.Linear(config.branch_size, config.hidden_size)

    def forward(
        self,
        hidden_states: Float[Tensor, "batch seq hidden"],
        attention_bias: Float[Tensor, "batch 1 1 seq"] | None = None,
        convolution_mask: Float[Tensor, "batch seq"] | None = None,
        return_attention: bool = False,
    ) -> tuple[Float[Tensor, "batch seq hidden"], Float[Tensor, "batch heads seq seq"] | None, None]:
        """Return the mixed vectors, the attention map (None unless asked for) and no kernels."""
        query = self.query(hidden_states)
        gathered, attention_map = self.self_attention(query, hidden_states, attention_bias, return_attention)
        return self.output(gathered), attention_map, None
