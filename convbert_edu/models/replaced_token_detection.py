"""Replaced-token detection: a forger swaps words, a detective has to find them (ELECTRA's game, used by the paper)."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.models.masked_lm import ConvBertForMaskedLM
from convbert_edu.models.masked_words import (
    PretrainingOutput,
    count_right,
    score_hidden_words,
)
from convbert_edu.models.pretraining import ConvBertForPreTraining

SHARED = ("word", "position", "token_type", "layer_norm")  # what both models' embeddings have in common


class ReplacedTokenDetection(nn.Module):
    """Generator and discriminator, trained together.

    The generator, a small masked language model, guesses hidden words; its guesses, drawn from its probabilities,
    replace them; the discriminator says for every word whether it is original. loss = MLM + rtd_weight x RTD.
    Both share the embedding block, each with its own projection. No gradient passes through the drawing of a guess.
    With `freeze_generator` the generator is not trained, shares nothing and costs less.
    """

    def __init__(
        self,
        generator: ConvBertForMaskedLM,
        discriminator: ConvBertForPreTraining,
        rtd_weight: float = 50.0,
        freeze_generator: bool = False,
    ) -> None:
        super().__init__()
        check_partners(generator.config, discriminator.config, sharing=not freeze_generator)
        self.generator, self.discriminator = generator, discriminator
        self.config = discriminator.config
        self.rtd_weight, self.freeze_generator = rtd_weight, freeze_generator
        if freeze_generator:
            generator.requires_grad_(False).eval()
        else:
            share_embeddings(generator, discriminator)

    def train(self, mode: bool = True) -> "ReplacedTokenDetection":
        """Switch dropout on or off; a frozen generator keeps it off."""
        super().train(mode)
        if self.freeze_generator:
            self.generator.eval()
        return self

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

        hidden_total, word_total: what the two losses are divided by, where a step has more batches than this one
        """
        truth = original_ids.flatten()[hidden_places]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_generator):
            vectors = self.generator.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
            log_probs = score_hidden_words(self.generator, vectors, hidden_places)
            masked_lm_loss = F.nll_loss(log_probs, truth, reduction="sum")

        guesses = draw_words(log_probs.detach(), draws)
        forged_ids = original_ids.flatten().scatter(0, hidden_places, guesses).view_as(original_ids)
        replaced = forged_ids != original_ids  # a word that was guessed right counts as original

        scores = self.discriminator(forged_ids, attention_mask, token_type_ids).logits.float()
        each = F.binary_cross_entropy_with_logits(scores, replaced.float(), reduction="none")
        detection_loss = (each * is_word).sum()
        loss = self.rtd_weight * detection_loss / (word_total or is_word.sum().clamp(min=1))
        if not self.freeze_generator:
            loss = loss + masked_lm_loss / (hidden_total or max(1, len(truth)))
        return PretrainingOutput(
            loss=loss,
            masked_lm_loss=masked_lm_loss.detach(),
            guessed_right=count_right(log_probs, truth),
            detection_loss=detection_loss.detach(),
            scores=scores.detach(),
            replaced=replaced,
        )


def draw_words(
    log_probs: Float[Tensor, "masked vocab"], draws: Float[Tensor, " masked"]
) -> Int[Tensor, " masked"]:
    """Draw one word from each row of probabilities, with the random numbers `draws` (0 to 1).

    The probabilities laid end to end cover the line from 0 to 1; the word is the one on whose stretch the random
    number falls.
    """
    ends = log_probs.exp().cumsum(dim=-1)
    points = draws.unsqueeze(-1) * ends[:, -1:]
    return torch.searchsorted(ends, points, right=True).squeeze(-1).clamp(max=log_probs.shape[-1] - 1)


def share_embeddings(generator: ConvBertForMaskedLM, discriminator: ConvBertForPreTraining) -> None:
    """Give the generator the discriminator's embedding block; each keeps its own projection."""
    for name in SHARED:
        setattr(generator.encoder.embeddings, name, getattr(discriminator.encoder.embeddings, name))
    if generator.config.tie_word_embeddings:
        generator.masked_lm_head.decoder.weight = generator.encoder.embeddings.word.weight


def copy_embeddings(source: ConvBertForMaskedLM, target: ConvBertForPreTraining) -> None:
    """Give `target` the numbers of the embedding block of `source`; raises ValueError where sizes differ."""
    check_partners(source.config, target.config, sharing=True)
    for name in SHARED:
        numbers = getattr(source.encoder.embeddings, name).state_dict()
        getattr(target.encoder.embeddings, name).load_state_dict(numbers)


def generator_config(config: ConvBertConfig, fraction: float = 1 / 4, **overrides: Any) -> ConvBertConfig:
    """Return the configuration of a generator for the discriminator `config`: full depth, a fraction of its width.

    The authors take 1/4 (1/3 for base). Raises ValueError where a width does not come out whole.
    """
    sizes: dict[str, Any] = {"num_attention_heads": max(1, round(config.num_attention_heads * fraction))}
    for name in ("hidden_size", "intermediate_size"):
        width = getattr(config, name) * fraction
        if abs(width - round(width)) > 1e-6 or width < 1:
            raise ValueError(
                f"{name} {getattr(config, name)} x fraction {fraction:g} is {width:g}; it must be a whole number, so "
                "choose another fraction"
            )
        sizes[name] = round(width)
    values = config.to_dict() | sizes | overrides
    return ConvBertConfig.from_dict(values)


def check_partners(generator: ConvBertConfig, discriminator: ConvBertConfig, sharing: bool) -> None:
    """Raise ValueError where two models cannot read the same text, or cannot share their embeddings."""
    names = ["vocab_size"]
    if sharing:
        names += ["embedding_size", "max_position_embeddings", "type_vocab_size"]
    for name in names:
        ours, theirs = getattr(generator, name), getattr(discriminator, name)
        if ours != theirs:
            raise ValueError(
                f"the generator has {name} {ours}, the discriminator {theirs}; they must be equal"
                + (" to share their embeddings" if sharing else "")
            )
