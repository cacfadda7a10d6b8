"""What each model returns: one small dataclass per kind of result, read by attribute.

All share the internals of the encoder (lesson 07); each head adds its scores and, where labels were given, the loss.
"""

from dataclasses import dataclass, fields
from typing import Any

from jaxtyping import Float
from torch import Tensor


@dataclass(kw_only=True)
class ModelOutput:
    """The internals of the encoder; each is None unless its output flag asked for it.

    hidden_states: the embeddings, then the output of each layer
    attentions: for each layer the attention map P, how much each token (row) attends to each other (column)
    conv_kernels: for each layer the kernel weights w[t] over the window of each token; None, too, for a model with
    attention_only
    rows: the sentences that the encoder read, in multiple choice one per choice
    """

    hidden_states: tuple[Float[Tensor, "rows seq hidden"], ...] | None = None
    attentions: tuple[Float[Tensor, "rows heads seq seq"], ...] | None = None
    conv_kernels: tuple[Float[Tensor, "rows heads seq kernel"], ...] | None = None


INTERNALS = tuple(field.name for field in fields(ModelOutput))


def internals_of(result: ModelOutput) -> dict[str, Any]:
    """Return the fields of ModelOutput by name, to pass them on from the encoder's output to a head's."""
    return {name: getattr(result, name) for name in INTERNALS}


@dataclass(kw_only=True)
class EncoderOutput(ModelOutput):
    """The encoder's output: one vector per token."""

    last_hidden_state: Float[Tensor, "batch seq hidden"]


@dataclass(kw_only=True)
class MaskedLMOutput(ModelOutput):
    """A score for every entry of the vocabulary, at every token, or at the masked ones alone (masked_positions)."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch seq vocab"] | Float[Tensor, "masked vocab"]


@dataclass(kw_only=True)
class SequenceClassifierOutput(ModelOutput):
    """A score per label for the whole sequence (or the predicted numbers, in regression)."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch labels"]


@dataclass(kw_only=True)
class TokenClassifierOutput(ModelOutput):
    """A score per label for each token."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch seq labels"]


@dataclass(kw_only=True)
class QuestionAnsweringOutput(ModelOutput):
    """For each token, a score for being the first and one for being the last of the answer."""

    loss: Float[Tensor, ""] | None = None
    start_logits: Float[Tensor, "batch seq"]
    end_logits: Float[Tensor, "batch seq"]


@dataclass(kw_only=True)
class MultipleChoiceOutput(ModelOutput):
    """A score for each choice. The internals have one row per choice: rows = batch * choices."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch choices"]


@dataclass(kw_only=True)
class PreTrainingOutput(ModelOutput):
    """For each token a score for "this was replaced": above 0 means replaced (replaced-token detection)."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch seq"]
