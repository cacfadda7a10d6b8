"""Mixed attention: half of the heads look far, the other half look near."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers.dynamic_convolution import SpanDynamicConvolution
from convbert_edu.layers.self_attention import SelfAttention


class MixedAttention(nn.Module):
    """Concat(SelfAttention(Q, K, V), SpanDynamicConvolution(Q, K_s, V_c)), then a dense layer.

    The paper's mixed attention block. Owns what both kinds of heads share, the query, and the output layer that
    mixes them.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.branch_size)
        self.self_attention = SelfAttention(config)
        self.convolution = SpanDynamicConvolution(config)
        self.output = nn.Linear(2 * config.branch_size, config.hidden_size)

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
        query = self.query(hidden_states)
        far, attention_map = self.self_attention(query, hidden_states, attention_bias, return_attention)
        near, kernels = self.convolution(query, hidden_states, convolution_mask)
        return self.output(torch.cat([far, near], dim=-1)), attention_map, kernels


# BERT's attention block, to compare with: every head is self-attention, none is a convolution.


class AttentionOnly(nn.Module):
    """SelfAttention(Q, K, V) over all heads, then a dense layer; used where the configuration says attention_only.

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
