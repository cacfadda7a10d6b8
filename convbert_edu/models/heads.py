"""The six heads: what turns the encoder's vectors into scores, and the scores into a loss.

`ModelWithHead` holds what all of them do: encode, `score`, `compute_loss`. A head is what differs: its layers and
these two methods. The first three differ in nothing else; the last three (masked language modelling, question answering
and multiple choice) take other arguments as well. Lesson 08 trains the heads of pretraining, lessons 09 to 13 the
others.

To add a head of your own takes at most four edits:
1. convbert_edu/models/heads.py: the class, a subclass of ModelWithHead. This is enough to train, save and load it,
   also where the class stands in a notebook: files hold its layers under the names that they have here. (Only what
   transformers calls otherwise needs a row in checkpoints/parameter_names.py; all heads that it has stand there.)
2. convbert_edu/__init__.py: its name, to be imported from the package, converted and exported.
3. convbert_edu/finetuning/tasks/: a new file with a Task, which makes batches of examples and measures predictions.
4. convbert_edu/finetuning/tasks/__init__.py: the task in TASKS, for the commands `finetune` and `predict`.
"""

from typing import Any, ClassVar

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
    check_ids,
    check_labels,
    check_positions,
    check_targets,
    check_tensor,
)
from convbert_edu.models.encoder import ConvBertModel, Mask
from convbert_edu.models.outputs import (
    MaskedLMOutput,
    ModelOutput,
    MultipleChoiceOutput,
    PreTrainingOutput,
    QuestionAnsweringOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    internals_of,
)


class ModelWithHead(PretrainedModel):
    """An encoder with a head. A subclass makes the layers of its head and says how to `score` and `compute_loss`."""

    output_class: ClassVar[type[ModelOutput]]

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.encoder = ConvBertModel(config)

    def score(self, hidden_states: Float[Tensor, "rows seq hidden"]) -> Float[Tensor, "rows ..."]:
        """Return the head's scores (logits) for the encoder's vectors."""
        raise NotImplementedError("a model with a head must say how it scores the encoder's vectors")

    def compute_loss(self, logits: Tensor, labels: Any, attention_mask: Any = None) -> Float[Tensor, ""]:
        """Return how far the scores are from the labels. Raises ValueError or TypeError for labels that do not fit."""
        raise NotImplementedError("a model with a head must say how it compares its scores with labels")

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        labels: Any = None,
        **output_flags: bool | None,
    ) -> ModelOutput:
        """Return scores and, with `labels`, the loss; see ConvBertModel.forward for inputs and output flags.

        labels: what `compute_loss` of this model takes
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **output_flags
        )
        logits = self.score(encoded.last_hidden_state)
        loss = None if labels is None else self.compute_loss(logits, labels, attention_mask)
        return self.output_class(loss=loss, logits=logits, **internals_of(encoded))


class ConvBertForTokenClassification(ModelWithHead):
    """A label for each token, such as "a person's name begins here" (lesson 10).

    Each token's vector -> dropout -> one dense layer -> `num_labels` scores.
    """

    output_class = TokenClassifierOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.dropout = Dropout(config.head_dropout)
        self.token_classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq labels"]:
        """Return one score per label for each token."""
        return self.token_classifier(self.dropout(hidden_states))

    def compute_loss(
        self,
        logits: Float[Tensor, "batch seq labels"],
        labels: Int[Tensor, "batch seq"],
        attention_mask: Mask | None = None,
    ) -> Float[Tensor, ""]:
        """Return the cross-entropy; labels: [batch, seq] label ids, -100 where a token does not count."""
        return _token_cross_entropy(logits, labels)


class ConvBertForSequenceClassification(ModelWithHead):
    """One prediction for a whole sentence or pair: labels, or numbers (lesson 09).

    `problem_type` fixes the loss: "regression" (squared error), "single_label_classification" (cross-entropy) or
    "multi_label_classification" (binary cross-entropy per label). Left out, it follows from the labels:
    one label is regression, whole-number labels are single-label, floating-point labels are multi-label.
    """

    output_class = SequenceClassifierOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.classification_head = ClassificationHead(config)
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch labels"]:
        """Return one score per label for the sentence; the predicted numbers, in regression."""
        return self.classification_head(hidden_states)

    def compute_loss(
        self,
        logits: Float[Tensor, "batch labels"],
        labels: Int[Tensor, " batch"] | Float[Tensor, " batch"] | Float[Tensor, "batch labels"],
        attention_mask: Mask | None = None,
    ) -> Float[Tensor, ""]:
        """Return the loss of the problem type.

        labels: [batch] label ids; or [batch] or [batch, num_labels] floating-point targets
        """
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
        """Return one score per label, from the vector of the first token, [CLS]."""
        first = self.dropout(hidden_states[:, 0])
        return self.output(self.dropout(self.activation(self.dense(first))))


class ConvBertForPreTraining(ModelWithHead):
    """The discriminator of pretraining: one score per token, above 0 for "replaced" (ELECTRA; lesson 08)."""

    output_class = PreTrainingOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.replaced_token_head = ReplacedTokenHead(config)
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq"]:
        """Return one score per token: above 0 for "replaced", below 0 for "original"."""
        return self.replaced_token_head(hidden_states)

    def compute_loss(
        self,
        logits: Float[Tensor, "batch seq"],
        labels: Int[Tensor, "batch seq"],
        attention_mask: Mask | None = None,
    ) -> Float[Tensor, ""]:
        """Return the mean binary cross-entropy of the tokens that count.

        labels: 1 replaced, 0 original, -100 left out; tokens that attention_mask calls padding are left out too
        """
        check_labels(labels, tuple(logits.shape), 2, IGNORE_INDEX)
        counted = (labels != IGNORE_INDEX).to(logits.dtype)
        if attention_mask is not None:
            counted = counted * (attention_mask != 0)
        targets = labels.clamp(min=0).to(logits.dtype)
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return (losses * counted).sum() / counted.sum().clamp(min=1)


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


# Three heads that take other arguments -----------------------------------------------------------------------


class ConvBertForMaskedLM(ModelWithHead):
    """A score for each entry of the vocabulary at each token: which token stands behind [MASK]? (lessons 08, 13)

    The generator of pretraining. The matrix that scores the vocabulary is the embedding matrix itself (tied), unless
    tie_word_embeddings is false.
    """

    output_class = MaskedLMOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.masked_lm_head = MaskedLMHead(config)
        self.init_weights()
        self.tie_weights()

    def tie_weights(self) -> None:
        """Score with the embedding matrix itself, if the configuration says so."""
        if self.config.tie_word_embeddings:
            self.masked_lm_head.decoder.weight = self.encoder.embeddings.word.weight

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq vocab"]:
        """Return a score for each vocabulary entry at each token."""
        return self.masked_lm_head(hidden_states)

    def score_tokens(self, vectors: Float[Tensor, "tokens hidden"]) -> Float[Tensor, "tokens vocab"]:
        """Return a score for each vocabulary entry at some tokens, which were picked out of their rows."""
        # As one row, which the head can score.
        return self.score(vectors.unsqueeze(0)).squeeze(0)

    def compute_loss(
        self,
        logits: Float[Tensor, "batch seq vocab"],
        labels: Int[Tensor, "batch seq"],
        attention_mask: Mask | None = None,
    ) -> Float[Tensor, ""]:
        """Return the cross-entropy; labels: the original token ids at masked tokens, -100 elsewhere."""
        return _token_cross_entropy(logits, labels)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        labels: Int[Tensor, "batch seq"] | None = None,
        masked_positions: Int[Tensor, " masked"] | None = None,
        **output_flags: bool | None,
    ) -> MaskedLMOutput:
        """Score the vocabulary at every token; see ConvBertModel.forward for inputs and output flags.

        masked_positions: score these tokens alone, counted through the flattened batch; logits are then
            [masked, vocab], and of the labels those of these tokens count. It saves time and memory where few
            tokens are masked: each one that is scored takes as many numbers as the vocabulary has entries.
        """
        if masked_positions is None:
            return super().forward(
                input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, labels, **output_flags
            )
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **output_flags
        )
        batch, seq, _ = encoded.last_hidden_state.shape
        check_ids("masked_positions", masked_positions, batch * seq, "tokens of the batch")
        logits = self.score_tokens(encoded.last_hidden_state.flatten(0, 1)[masked_positions])
        loss = None
        if labels is not None:
            check_labels(labels, (batch, seq), self.config.vocab_size, IGNORE_INDEX)
            targets = labels.flatten()[masked_positions]
            loss = self.compute_loss(logits.unsqueeze(0), targets.unsqueeze(0))
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


class ConvBertForQuestionAnswering(ModelWithHead):
    """Where in the passage does the answer begin, and where does it end? Two scores for each token (lesson 11).

    The authors' code conditions the end on the start; here, as in transformers, the two are independent.
    """

    output_class = QuestionAnsweringOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.answer_span = nn.Linear(config.hidden_size, 2)
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq 2"]:
        """Return for each token its scores as the first and as the last of the answer."""
        return self.answer_span(hidden_states)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        start_positions: Int[Tensor, " batch"] | Int[Tensor, "batch 1"] | None = None,
        end_positions: Int[Tensor, " batch"] | Int[Tensor, "batch 1"] | None = None,
        **output_flags: bool | None,
    ) -> QuestionAnsweringOutput:
        """Score every token as start and as end; see ConvBertModel.forward for inputs and output flags.

        start_positions, end_positions: the answer's first and last token. A position at or past the end of the
        sequence (the answer was cut off) takes no part in the loss; with none left the loss is not a number.
        """
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, **output_flags
        )
        start_logits, end_logits = self.score(encoded.last_hidden_state).unbind(dim=-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            start_loss = _position_loss("start_positions", start_logits, start_positions)
            loss = (start_loss + _position_loss("end_positions", end_logits, end_positions)) / 2
        return QuestionAnsweringOutput(
            loss=loss, start_logits=start_logits, end_logits=end_logits, **internals_of(encoded)
        )


class ConvBertForMultipleChoice(ModelWithHead):
    """Which of several continuations is right? The encoder reads the text with each, and each gets one score
    (lesson 12).

    `summary_type` says which vector is scored: "last" takes the last token, as transformers does, which in a padded
    batch is padding; "first" takes [CLS].
    """

    output_class = MultipleChoiceOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.choice_scorer = nn.Linear(config.hidden_size, 1)
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "rows seq hidden"]) -> Float[Tensor, "rows 1"]:
        """Return one score for each text that the encoder has read."""
        return self.choice_scorer(hidden_states[:, -1 if self.config.summary_type == "last" else 0])

    def compute_loss(
        self,
        logits: Float[Tensor, "batch choices"],
        labels: Int[Tensor, " batch"],
        attention_mask: Any = None,
    ) -> Float[Tensor, ""]:
        """Return the cross-entropy of softmax over the choices; labels: [batch] index of the right choice."""
        check_labels(labels, (len(logits),), logits.shape[1])
        return F.cross_entropy(logits, labels.long())

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
        **output_flags: bool | None,
    ) -> MultipleChoiceOutput:
        """Score each choice; the inputs are those of ConvBertModel.forward with an axis of choices after the batch."""
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
        encoded = self.encoder(*flat, **output_flags)
        logits = self.score(encoded.last_hidden_state).view(batch, choices)
        loss = None if labels is None else self.compute_loss(logits, labels)
        return MultipleChoiceOutput(loss=loss, logits=logits, **internals_of(encoded))


def _token_cross_entropy(
    logits: Float[Tensor, "batch seq labels"], labels: Int[Tensor, "batch seq"]
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of the tokens whose label is not -100."""
    batch, seq, num_labels = logits.shape
    check_labels(labels, (batch, seq), num_labels, IGNORE_INDEX)
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten().long(), ignore_index=IGNORE_INDEX)


def _position_loss(
    name: str, logits: Float[Tensor, "batch seq"], positions: Int[Tensor, " batch"] | Int[Tensor, "batch 1"]
) -> Float[Tensor, ""]:
    """Return the cross-entropy of softmax over the tokens; a position past the last token does not count."""
    batch, seq = logits.shape
    check_tensor(name, positions)
    positions = positions.squeeze(-1) if positions.dim() == 2 else positions
    check_positions(name, positions, batch)
    return F.cross_entropy(logits, positions.long().clamp(0, seq), ignore_index=seq)
