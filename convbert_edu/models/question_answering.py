"""Question answering: where in the passage does the answer begin, and where does it end?"""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import check_positions, check_tensor
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import QuestionAnsweringOutput, inside_of


class ConvBertForQuestionAnswering(PretrainedModel):
    """Each token's vector -> two scores: first token of the answer, last token of the answer.

    The authors' code conditions the end on the start; here, as in transformers, the two are independent.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.answer_span = nn.Linear(config.hidden_size, 2)
        self.initialise_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        start_positions: Int[Tensor, " batch"] | Int[Tensor, "batch 1"] | None = None,
        end_positions: Int[Tensor, " batch"] | Int[Tensor, "batch 1"] | None = None,
        **inside: bool | None,
    ) -> QuestionAnsweringOutput:
        """Score every token as start and as end; see ConvBertModel.forward for the inputs.

        start_positions, end_positions: the answer's first and last token. A position at or past the end of the
        sequence (the answer was cut off) takes no part in the loss; with none left the loss is not a number.
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **inside
        )
        start_logits, end_logits = self.answer_span(encoded.last_hidden_state).unbind(dim=-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            start_loss = _position_loss("start_positions", start_logits, start_positions)
            loss = (start_loss + _position_loss("end_positions", end_logits, end_positions)) / 2
        return QuestionAnsweringOutput(
            loss=loss, start_logits=start_logits, end_logits=end_logits, **inside_of(encoded)
        )


def _position_loss(name: str, logits: Float[Tensor, "batch seq"], positions: Tensor) -> Float[Tensor, ""]:
    batch, seq = logits.shape
    check_tensor(name, positions)
    positions = positions.squeeze(-1) if positions.dim() == 2 else positions
    check_positions(name, positions, batch)
    return F.cross_entropy(logits, positions.long().clamp(0, seq), ignore_index=seq)
