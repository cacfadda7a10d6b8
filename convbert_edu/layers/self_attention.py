"""Self-attention: the heads that see the whole sentence (lesson 02; Vaswani et al., 2017)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.device import fused_attention_pays
from convbert_edu.layers.dropout import Dropout


class SelfAttention(nn.Module):
    """softmax(Q K^T / sqrt(d_h) + mask) V for each head.

    Owns key and value. The query comes from outside, because the convolution beside it uses the same one
    (see MixedAttention).
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads_per_branch
        self.key = nn.Linear(config.hidden_size, config.branch_size)
        self.value = nn.Linear(config.hidden_size, config.branch_size)
        self.dropout = Dropout(config.attention_probs_dropout_prob)

    def forward(
        self,
        query: Float[Tensor, "batch seq branch"],
        hidden_states: Float[Tensor, "batch seq hidden"],
        attention_bias: Float[Tensor, "batch 1 1 seq"] | None = None,
        return_map: bool = False,
        values: Float[Tensor, "batch seq branch"] | None = None,
    ) -> tuple[Float[Tensor, "batch seq branch"], Float[Tensor, "batch heads seq seq"] | None]:
        """Return what each token gathered and, with `return_map`, how much it attended to every other token.

        `attention_bias` is added to the scores: 0 for real tokens, a very negative number for padding.
        `values` are given where they are computed already, for a convolution that shares them.
        """
        dropout = self.dropout.p if self.training else 0.0
        learns = torch.is_grad_enabled() and query.requires_grad
        fused = not learns or fused_attention_pays(query.device, query.dtype, dropout)
        # Q, K = X W_K, V = X W_V, each cut into heads                             [B, n, a] -> [B, h, n, d_h]
        query = self._split_heads(query)
        key = self._split_heads(self.key(hidden_states))
        value = self._split_heads(self.value(hidden_states) if values is None else values)
        if return_map or not fused:
            # S = Q K^T / sqrt(d_h) + mask, P = softmax(S): the attention map       [B, h, n, n]
            scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
            if attention_bias is not None:
                scores = scores + attention_bias
            attention_map = self.dropout(torch.softmax(scores, dim=-1))
            # P V: the mean of all values, weighted by the map                      [B, h, n, d_h]
            gathered = attention_map @ value
        else:
            # The same arithmetic in one call that never holds the [n, n] map in memory.
            attention_map = None
            gathered = F.scaled_dot_product_attention(query, key, value, attention_bias, dropout)
        # the heads side by side again                                              [B, n, a]
        return gathered.transpose(1, 2).flatten(2), attention_map if return_map else None

    def _split_heads(
        self, vectors: Float[Tensor, "batch seq branch"]
    ) -> Float[Tensor, "batch heads seq head_size"]:
        return vectors.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def attention_bias_from_mask(
    mask: Float[Tensor, "batch seq"], dtype: torch.dtype
) -> Float[Tensor, "batch 1 1 seq"]:
    """Turn a mask of ones (real) and zeros (padding) into numbers to add to attention scores.

    Half the lowest finite number of `dtype`, not minus infinity: a row of padding alone stays finite after
    softmax, and adding a score cannot overflow.
    """
    return ((1.0 - mask.to(dtype)) * (torch.finfo(dtype).min / 2))[:, None, None, :]
