"""Sequence classification: one verdict, or one number, for a whole sentence or pair."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.activations import ACTIVATIONS
from convbert_edu.config import ConvBertConfig
from convbert_edu.layers import Dropout
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import (
    IGNORE_INDEX,
    check_choices,
    check_labels,
    check_positions,
    check_targets,
    check_tensor,
)
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import (
    MaskedLMOutput,
    MultipleChoiceOutput,
    PreTrainingOutput,
    QuestionAnsweringOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    internals_of,
)


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
        self.init_weights()

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
        return SequenceClassifierOutput(loss=loss, logits=logits, **internals_of(encoded))

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


# Token classification: a label for each token, such as "a person's name begins here".


class ConvBertForTokenClassification(PretrainedModel):
    """Each token's vector -> dropout -> one dense layer -> `num_labels` scores."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.dropout = Dropout(config.head_dropout)
        self.token_classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

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
        return TokenClassifierOutput(loss=loss, logits=logits, **internals_of(encoded))


# Question answering: where in the passage does the answer begin, and where does it end?


class ConvBertForQuestionAnswering(PretrainedModel):
    """Each token's vector -> two scores: first token of the answer, last token of the answer.

    The authors' code conditions the end on the start; here, as in transformers, the two are independent.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.answer_span = nn.Linear(config.hidden_size, 2)
        self.init_weights()

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
            loss=loss, start_logits=start_logits, end_logits=end_logits, **internals_of(encoded)
        )


def _position_loss(name: str, logits: Float[Tensor, "batch seq"], positions: Tensor) -> Float[Tensor, ""]:
    batch, seq = logits.shape
    check_tensor(name, positions)
    positions = positions.squeeze(-1) if positions.dim() == 2 else positions
    check_positions(name, positions, batch)
    return F.cross_entropy(logits, positions.long().clamp(0, seq), ignore_index=seq)


# Multiple choice: the same encoder reads the text with each choice, and gives each reading one score.


class ConvBertForMultipleChoice(PretrainedModel):
    """One vector of each reading -> one score; softmax over the choices.

    `summary_type` says which vector: "last" takes the last token, as transformers does, which in a padded batch
    is padding; "first" takes [CLS].
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.choice_scorer = nn.Linear(config.hidden_size, 1)
        self.init_weights()

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
        return MultipleChoiceOutput(loss=loss, logits=logits, **internals_of(encoded))


# Masked language modelling: guess the words behind [MASK]. This is also the generator of pretraining.


class ConvBertForMaskedLM(PretrainedModel):
    """Encoder, a dense layer down to embedding_size, and a score for each entry of the vocabulary.

    The matrix that scores the vocabulary is the word table itself (tied), unless tie_word_embeddings is false.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.masked_lm_head = MaskedLMHead(config)
        self.init_weights()
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
        return MaskedLMOutput(loss=loss, logits=logits, **internals_of(encoded))


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


# Replaced-token detection: which words of this sentence were swapped by someone else?


class ConvBertForPreTraining(PretrainedModel):
    """The discriminator: one score per token, above 0 for "replaced", below 0 for "original" (from ELECTRA)."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)
        self.replaced_token_head = ReplacedTokenHead(config)
        self.init_weights()

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
        return PreTrainingOutput(loss=loss, logits=logits, **internals_of(encoded))


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
