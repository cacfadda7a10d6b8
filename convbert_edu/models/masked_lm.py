"""Masked language modelling: guess the words behind [MASK]. This is also the generator of pretraining."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import IGNORE_INDEX, check_labels
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import MaskedLMOutput, inside_of


class ConvBertForMaskedLM(PretrainedModel):
    """Encoder, a dense layer down to embedding_size, and a score for each entry of the vocabulary.

    The matrix that scores the vocabulary is the word table itself (tied), unless tie_word_embeddings is false.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.masked_lm_head = MaskedLMHead(config)
        self.initialise_weights()
        self.tie_weights()

    def tie_weights(self) -> None:
        """Score with the word table itself, if the configuration says so."""
        if self.config.tie_word_embeddings:
            self.masked_lm_head.decoder.weight = self.encoder.embeddings.word.weight

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        labels: Int[Tensor, "batch seq"] | None = None,
        **inside: bool | None,
    ) -> MaskedLMOutput:
        """Score the vocabulary at every token; see ConvBertModel.forward for the inputs.

        labels: the true token number where a guess counts, -100 elsewhere
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **inside
        )
        logits = self.masked_lm_head(encoded.last_hidden_state)
        loss = None
        if labels is not None:
            check_labels(labels, tuple(logits.shape[:2]), self.config.vocab_size, IGNORE_INDEX)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten().long(), ignore_index=IGNORE_INDEX)
        return MaskedLMOutput(loss=loss, logits=logits, **inside_of(encoded))


class MaskedLMHead(nn.Module):
    """dense -> GELU -> LayerNorm -> score per vocabulary entry (ELECTRA's generator head)."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.embedding_size)
        self.layer_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.embedding_size, config.vocab_size)

    def forward(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq vocab"]:
        """Return a score for each vocabulary entry at each token; GELU whatever hidden_act says."""
        return self.decoder(self.layer_norm(F.gelu(self.dense(hidden_states))))
