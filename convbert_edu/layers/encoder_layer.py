"""One layer of the encoder: mixed attention, then feed-forward, each with a residual connection (lesson 05)."""

from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers.dropout import Dropout
from convbert_edu.layers.feed_forward import FeedForward
from convbert_edu.layers.mixed_attention import AttentionOnly, MixedAttention


class EncoderLayer(nn.Module):
    """X' = LayerNorm(X + MixedAttention(X)), then LayerNorm(X' + FeedForward(X')): BERT's layer, other attention."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.attention = AttentionOnly(config) if config.attention_only else MixedAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        hidden_states: Float[Tensor, "batch seq hidden"],
        attention_bias: Float[Tensor, "batch 1 1 seq"] | None = None,
        convolution_mask: Float[Tensor, "batch seq"] | None = None,
        return_attention: bool = False,
    ) -> tuple[
        Float[Tensor, "batch seq hidden"],
        Float[Tensor, "batch heads seq seq"] | None,
        Float[Tensor, "batch heads seq kernel"] | None,
    ]:
        """Return the layer's output, its attention map (None unless asked for) and its convolution kernels
        (None where the configuration says attention_only)."""
        # X' = LayerNorm(X + Mixed-Attn(X)): tokens exchange what they know                 [B, n, d]
        mixed, attention_map, kernels = self.attention(
            hidden_states, attention_bias, convolution_mask, return_attention
        )
        hidden_states = self.attention_norm(hidden_states + self.dropout(mixed))
        # LayerNorm(X' + FeedForward(X')): each token by itself                             [B, n, d]
        fed = self.feed_forward(hidden_states)
        hidden_states = self.feed_forward_norm(hidden_states + self.dropout(fed))
        return hidden_states, attention_map, kernels
