"""BERT's attention block, to compare with: every head is self-attention, none is a convolution."""

from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers.self_attention import SelfAttention


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
