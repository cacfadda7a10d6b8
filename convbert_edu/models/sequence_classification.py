"""Sequence classification: one verdict, or one number, for a whole sentence or pair."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.activations import ACTIVATIONS
from convbert_edu.config import ConvBertConfig
from convbert_edu.layers import Dropout
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import check_labels, check_targets, check_tensor
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import SequenceClassifierOutput, inside_of


class ConvBertForSequenceClassification(PretrainedModel):
    """The vector of the first token, [CLS], through a small network to `num_labels` scores.

    `problem_type` fixes the loss: "regression" (squared error), "single_label_classification" (cross-entropy) or
    "multi_label_classification" (binary cross-entropy per label). Left out, it follows from the labels:
    one label is regression, whole-number labels are single-label, floating-point labels are multi-label.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.classification_head = ClassificationHead(config)
        self.initialise_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        labels: Int[Tensor, " batch"] | Float[Tensor, " batch"] | Float[Tensor, "batch labels"] | None = None,
        **inside: bool | None,
    ) -> SequenceClassifierOutput:
        """Score each sentence; see ConvBertModel.forward for the inputs.

        labels: [batch] class numbers; or [batch] or [batch, num_labels] floating-point targets
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **inside
        )
        logits = self.classification_head(encoded.last_hidden_state)
        loss = None if labels is None else self._loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits, **inside_of(encoded))

    def _loss(self, logits: Float[Tensor, "batch labels"], labels: Tensor) -> Float[Tensor, ""]:
        check_tensor("labels", labels)
        problem_type = self.config.problem_type or self._problem_type_of(labels)
        if problem_type == "single_label_classification":
            check_labels(labels, (len(logits),), self.config.num_labels)
            return F.cross_entropy(logits, labels.long())
        if problem_type == "regression" and self.config.num_labels == 1:
            logits, labels = logits.squeeze(1), labels.squeeze(1) if labels.dim() == 2 else labels
        check_targets(labels, tuple(logits.shape), problem_type)
        if problem_type == "regression":
            return F.mse_loss(logits, labels)
        return F.binary_cross_entropy_with_logits(logits, labels)

    def _problem_type_of(self, labels: Tensor) -> str:
        if self.config.num_labels == 1:
            return "regression"
        return "multi_label_classification" if labels.is_floating_point() else "single_label_classification"


class ClassificationHead(nn.Module):
    """[CLS] -> dropout -> dense -> activation -> dropout -> scores (as in transformers).

    The authors' code has a single dense layer here; a checkpoint of theirs carries no head at all.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.dropout = Dropout(config.head_dropout)
        self.output = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch labels"]:
        """Return one score per label, from the first token's vector."""
        first = self.dropout(hidden_states[:, 0])
        return self.output(self.dropout(self.activation(self.dense(first))))
