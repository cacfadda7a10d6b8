"""Guessing hidden words: masked language modelling, applied only where words are hidden."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.models.masked_lm import ConvBertForMaskedLM


@dataclass(kw_only=True)
class PretrainingOutput:
    """Losses of a batch of pretraining, summed over words, and what is needed to judge them.

    masked_lm_loss, sentence_loss: sums over the hidden words; guessed_right: how many of these were guessed
    detection_loss: sum over all words; scores and replaced: per token, what the discriminator thinks and what is so
    None where a game has no such part.
    """

    loss: Float[Tensor, ""]
    masked_lm_loss: Float[Tensor, ""] | None = None
    guessed_right: Int[Tensor, ""] | None = None
    sentence_loss: Float[Tensor, ""] | None = None
    detection_loss: Float[Tensor, ""] | None = None
    scores: Float[Tensor, "batch seq"] | None = None
    replaced: Bool[Tensor, "batch seq"] | None = None

    def sums(self) -> Float[Tensor, "5"]:
        """Return loss, masked_lm_loss, guessed_right, sentence_loss and detection_loss as one tensor, 0 for None."""
        parts = (self.loss, self.masked_lm_loss, self.guessed_right, self.sentence_loss, self.detection_loss)
        numbers = [
            self.loss.new_zeros(()) if part is None else part.detach().to(self.loss.dtype) for part in parts
        ]
        return torch.stack(numbers)


def score_hidden_words(
    generator: ConvBertForMaskedLM,
    vectors: Float[Tensor, "batch seq hidden"],
    hidden_places: Int[Tensor, " masked"],
) -> Float[Tensor, "masked vocab"]:
    """Return the log-probability of each vocabulary entry at the hidden places only.

    The product with the vocabulary is the dearest of the whole model; six of seven tokens are spared it.
    """
    hidden = vectors.flatten(0, 1)[hidden_places]
    return log_probabilities(generator, hidden)


def log_probabilities(
    generator: ConvBertForMaskedLM, vectors: Float[Tensor, "rows hidden"]
) -> Float[Tensor, "rows vocab"]:
    """Return what the masked-LM head says about some vectors, in float32 whatever autocast does."""
    return torch.log_softmax(generator.masked_lm_head(vectors.unsqueeze(0)).squeeze(0).float(), dim=-1)


def count_right(log_probs: Float[Tensor, "masked vocab"], truth: Int[Tensor, " masked"]) -> Int[Tensor, ""]:
    """Return how many true words have the highest probability (`amax` is several times faster than `argmax`)."""
    log_probs = log_probs.detach()
    return (log_probs.gather(1, truth.unsqueeze(1)).squeeze(1) >= log_probs.amax(dim=-1)).sum()


class MaskedWordGame(nn.Module):
    """Masked language modelling alone: hide words, guess them.

    With `sentence_weight` above 0 the vector of [CLS] has to guess all hidden words of its sequence as well, all from
    the one vector: so it comes to say what the sequence is about.
    """

    def __init__(self, generator: ConvBertForMaskedLM, sentence_weight: float = 0.0) -> None:
        super().__init__()
        self.generator = generator
        self.config = generator.config
        self.sentence_weight = sentence_weight

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch seq"],
        token_type_ids: Int[Tensor, "batch seq"],
        original_ids: Int[Tensor, "batch seq"],
        is_word: Bool[Tensor, "batch seq"],
        hidden_places: Int[Tensor, " masked"],
        draws: Float[Tensor, " masked"],
        hidden_total: float | None = None,
        word_total: float | None = None,
    ) -> PretrainingOutput:
        """Play one round; see `convbert_edu.data.pretraining.batches.masked_batch` for the inputs.

        hidden_total: hidden words that the loss is divided by, where a step has more batches than this one
        """
        vectors = self.generator.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
        log_probs = score_hidden_words(self.generator, vectors, hidden_places)
        truth = original_ids.flatten()[hidden_places]
        masked_lm_loss = F.nll_loss(log_probs, truth, reduction="sum")
        loss, sentence_loss = masked_lm_loss, None
        if self.sentence_weight:
            from_cls = log_probabilities(self.generator, vectors[:, 0])
            row = hidden_places // input_ids.shape[1]
            sentence_loss = -from_cls[row, truth].sum()
            loss = loss + self.sentence_weight * sentence_loss
        return PretrainingOutput(
            loss=loss / (hidden_total or max(1, len(truth))),
            masked_lm_loss=masked_lm_loss.detach(),
            guessed_right=count_right(log_probs, truth),
            sentence_loss=None if sentence_loss is None else sentence_loss.detach(),
        )
