"""Token classification: a label for each token, such as "a person's name begins here"."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers import Dropout
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import IGNORE_INDEX, check_labels
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import TokenClassifierOutput, inside_of


class ConvBertForTokenClassification(PretrainedModel):
    """Each token's vector -> dropout -> one dense layer -> `num_labels` scores."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.dropout = Dropout(config.head_dropout)
        self.token_classifier = nn.Linear(config.hidden_size, config.num_labels)
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
    ) -> TokenClassifierOutput:
        """Score each label at each token; see ConvBertModel.forward for the inputs.

        labels: [batch, seq] class numbers; -100 where a token does not count
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **inside
        )
        logits = self.token_classifier(self.dropout(encoded.last_hidden_state))
        loss = None
        if labels is not None:
            check_labels(labels, tuple(logits.shape[:2]), self.config.num_labels, IGNORE_INDEX)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten().long(), ignore_index=IGNORE_INDEX)
        return TokenClassifierOutput(loss=loss, logits=logits, **inside_of(encoded))
