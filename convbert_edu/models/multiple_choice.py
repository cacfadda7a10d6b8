"""Multiple choice: the same encoder reads the text with each choice, and gives each reading one score."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import check_choices, check_labels
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.outputs import MultipleChoiceOutput, inside_of


class ConvBertForMultipleChoice(PretrainedModel):
    """One vector of each reading -> one score; softmax over the choices.

    `summary_type` says which vector: "last" takes the last token, as transformers does, which in a padded batch
    is padding; "first" takes [CLS].
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.choice_scorer = nn.Linear(config.hidden_size, 1)
        self.initialise_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch choices seq"] | None = None,
        attention_mask: Int[Tensor, "batch choices seq"]
        | Float[Tensor, "batch choices seq"]
        | Bool[Tensor, "batch choices seq"]
        | None = None,
        token_type_ids: Int[Tensor, "batch choices seq"] | None = None,
        position_ids: Int[Tensor, "batch choices seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch choices seq embedding"] | None = None,
        labels: Int[Tensor, " batch"] | None = None,
        **inside: bool | None,
    ) -> MultipleChoiceOutput:
        """Score each choice; the inputs are those of ConvBertModel.forward with an axis of choices after the batch.

        labels: [batch] number of the right choice
        """
        batch, choices = check_choices(
            input_ids,
            inputs_embeds,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
        )
        # The encoder knows no choices: it reads batch * choices sentences.
        flat = [
            None if tensor is None else tensor.flatten(0, 1)
            for tensor in (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        ]
        encoded = self.encoder(*flat, **inside)
        summary = encoded.last_hidden_state[:, -1 if self.config.summary_type == "last" else 0]
        logits = self.choice_scorer(summary).view(batch, choices)
        loss = None
        if labels is not None:
            check_labels(labels, (batch,), choices)
            loss = F.cross_entropy(logits, labels.long())
        return MultipleChoiceOutput(loss=loss, logits=logits, **inside_of(encoded))
