"""Embeddings: one vector for each token id (lesson 01).

X = LayerNorm(E[ids] + E_pos[positions] + E_type[types]), then a projection to the hidden size where that differs.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers.dropout import Dropout


class Embeddings(nn.Module):
    """Turn token ids into vectors: word + position + token type, normalised (BERT's scheme, kept by the paper).

    Where embedding_size differs from hidden_size a projection follows, so that the large embedding matrix can be
    narrower than the model: 30,522 x 128 numbers and one 128 x 256 matrix in place of 30,522 x 256.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        # The row of the padding token gets no gradient, as in transformers.
        self.word = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, config.embedding_size)
        self.token_type = nn.Embedding(config.type_vocab_size, config.embedding_size)
        self.layer_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)
        if config.embedding_size != config.hidden_size:
            self.projection = nn.Linear(config.embedding_size, config.hidden_size)
        else:
            self.projection = None

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Return one vector per token, from `input_ids` or from word embeddings already looked up (`inputs_embeds`).

        Token types are 0 and positions 0, 1, 2, ... where they are not given.
        """
        # E[ids]: each id picks a row of the embedding matrix                             [B, n] -> [B, n, e]
        words = self.word(input_ids) if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            position_ids = torch.arange(words.shape[1], device=words.device).unsqueeze(0)
        if token_type_ids is None:
            token_type_ids = torch.zeros(words.shape[:2], dtype=torch.long, device=words.device)
        # X = LayerNorm(E[ids] + E_pos[positions] + E_type[types])                        [B, n, e]
        vectors = words + self.position(position_ids) + self.token_type(token_type_ids)
        vectors = self.dropout(self.layer_norm(vectors))
        # e -> d, where the embedding matrix is narrower than the model                   [B, n, d]
        return vectors if self.projection is None else self.projection(vectors)
