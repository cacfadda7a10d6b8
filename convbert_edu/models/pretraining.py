"""Replaced-token detection: which words of this sentence were swapped by someone else?"""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.activations import ACTIVATIONS
from convbert_edu.config import ConvBertConfig
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import IGNORE_INDEX, check_labels
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import PreTrainingOutput, inside_of


class ConvBertForPreTraining(PretrainedModel):
    """The discriminator: one score per token, above 0 for "replaced", below 0 for "original" (from ELECTRA)."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.replaced_token_head = ReplacedTokenHead(config)
        self.initialise_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        labels: Int[Tensor, "batch seq"] | None = None,
        **inside: bool | None,
    ) -> PreTrainingOutput:
        """Score each token as replaced or original; see ConvBertModel.forward for the inputs.

        labels: 1 replaced, 0 original, -100 left out; tokens that attention_mask calls padding are left out too
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **inside
        )
        logits = self.replaced_token_head(encoded.last_hidden_state)
        loss = None
        if labels is not None:
            check_labels(labels, tuple(logits.shape), 2, IGNORE_INDEX)
            counts = (labels != IGNORE_INDEX).to(logits.dtype)
            if attention_mask is not None:
                counts = counts * (attention_mask != 0)
            targets = labels.clamp(min=0).to(logits.dtype)
            each = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
            loss = (each * counts).sum() / counts.sum().clamp(min=1)
        return PreTrainingOutput(loss=loss, logits=logits, **inside_of(encoded))


class ReplacedTokenHead(nn.Module):
    """dense -> activation -> one score (the authors' `discriminator_predictions`)."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.output = nn.Linear(config.hidden_size, 1)

    def forward(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq"]:
        """Return one score per token."""
        return self.output(self.activation(self.dense(hidden_states))).squeeze(-1)
