"""The two objectives of pretraining, as lesson 08 builds them: masked language modelling (MLM), and with it
replaced-token detection (RTD).

MLM: some tokens are masked, and the generator predicts them. RTD (ELECTRA, Clark et al. 2020; ConvBERT is pretrained
with it): the generator's predictions replace the masked tokens, and the discriminator says of each token whether it is
original. Both objectives take the batches of `pretraining/batches.py` and return a `PretrainingOutput`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.config import ConvBertConfig
from convbert_edu.device import at_least_float32
from convbert_edu.models.heads import ConvBertForMaskedLM, ConvBertForPreTraining


@dataclass(kw_only=True)
class PretrainingOutput:
    """The loss of a batch of pretraining, what it is made of as sums over tokens, and what is needed to measure it.

    loss: what is differentiated, a mean
    masked_lm_loss, cls_mlm_loss: sums over the masked tokens; num_correct: how many of these were predicted
    detection_loss: sum over all maskable tokens
    scores, replaced: for each token the discriminator's logit, and whether it was really replaced
    None where an objective has no such part.
    """

    loss: Float[Tensor, ""]
    masked_lm_loss: Float[Tensor, ""] | None = None
    num_correct: Int[Tensor, ""] | None = None
    cls_mlm_loss: Float[Tensor, ""] | None = None
    detection_loss: Float[Tensor, ""] | None = None
    scores: Float[Tensor, "batch seq"] | None = None
    replaced: Bool[Tensor, "batch seq"] | None = None

    def sums(self) -> Float[Tensor, "5"]:
        """Return loss, masked_lm_loss, num_correct, cls_mlm_loss and detection_loss as one tensor, 0 for None."""
        terms = (self.loss, self.masked_lm_loss, self.num_correct, self.cls_mlm_loss, self.detection_loss)
        zero = self.loss.new_zeros(())
        numbers = [zero if term is None else term.detach().to(self.loss.dtype) for term in terms]
        return torch.stack(numbers)


def score_masked_tokens(
    generator: ConvBertForMaskedLM,
    vectors: Float[Tensor, "batch seq hidden"],
    masked_positions: Int[Tensor, " masked"],
) -> Float[Tensor, "masked vocab"]:
    """Return the log-probability of each vocabulary entry at the masked positions only.

    The product with the vocabulary is the most expensive of the whole model; six of seven tokens are spared it.
    """
    masked_vectors = vectors.flatten(0, 1)[masked_positions]
    return log_probabilities(generator, masked_vectors)


def log_probabilities(
    generator: ConvBertForMaskedLM, vectors: Float[Tensor, "rows hidden"]
) -> Float[Tensor, "rows vocab"]:
    """Return log p(token | vector) by the masked-LM head for some vectors, in float32 or finer under autocast, too."""
    return torch.log_softmax(at_least_float32(generator.score_tokens(vectors)), dim=-1)


def count_correct(
    log_probs: Float[Tensor, "masked vocab"], targets: Int[Tensor, " masked"]
) -> Int[Tensor, ""]:
    """Return how many targets have the highest probability (`amax` is several times faster than `argmax`)."""
    log_probs = log_probs.detach()
    return (log_probs.gather(1, targets.unsqueeze(1)).squeeze(1) >= log_probs.amax(dim=-1)).sum()


class MaskedLMObjective(nn.Module):
    """Masked language modelling alone: loss = -mean over the masked tokens of log p(token | text with [MASK]).

    With `cls_mlm_weight` above 0 all masked tokens of a sequence are predicted from its [CLS] vector as well, so that
    this one vector comes to say what the sequence is about.
    """

    def __init__(self, generator: ConvBertForMaskedLM, cls_mlm_weight: float = 0.0) -> None:
        super().__init__()
        self.generator = generator
        self.config = generator.config
        self.cls_mlm_weight = cls_mlm_weight

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch seq"],
        token_type_ids: Int[Tensor, "batch seq"],
        original_ids: Int[Tensor, "batch seq"],
        maskable: Bool[Tensor, "batch seq"],
        masked_positions: Int[Tensor, " masked"],
        uniform_samples: Float[Tensor, " masked"],
        masked_total: float | None = None,
        maskable_total: float | None = None,
    ) -> PretrainingOutput:
        """Compute the loss; see `convbert_edu.pretraining.batches.masked_batch` for the inputs.

        masked_total: the masked tokens that the loss is divided by, where a step has more batches than this one
        """
        vectors = self.generator.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
        log_probs = score_masked_tokens(self.generator, vectors, masked_positions)
        targets = original_ids.flatten()[masked_positions]
        masked_lm_loss = F.nll_loss(log_probs, targets, reduction="sum")
        loss, cls_mlm_loss = masked_lm_loss, None
        if self.cls_mlm_weight:
            from_cls = log_probabilities(self.generator, vectors[:, 0])
            row = masked_positions // input_ids.shape[1]
            cls_mlm_loss = -from_cls[row, targets].sum()
            loss = loss + self.cls_mlm_weight * cls_mlm_loss
        return PretrainingOutput(
            loss=loss / (masked_total or max(1, len(targets))),
            masked_lm_loss=masked_lm_loss.detach(),
            num_correct=count_correct(log_probs, targets),
            cls_mlm_loss=None if cls_mlm_loss is None else cls_mlm_loss.detach(),
        )


# What the embedding blocks of generator and discriminator have in common.
SHARED = ("word", "position", "token_type", "layer_norm")


class ReplacedTokenObjective(nn.Module):
    """Generator and discriminator, trained together: loss = MLM + rtd_weight x RTD.

    The generator, a small masked language model, predicts the masked tokens; tokens sampled from its probabilities
    replace them; the discriminator says for every token whether it is original.
    Both share the embedding block, each with its own projection. No gradient passes through the sampling.
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

    def train(self, mode: bool = True) -> "ReplacedTokenObjective":
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
        maskable: Bool[Tensor, "batch seq"],
        masked_positions: Int[Tensor, " masked"],
        uniform_samples: Float[Tensor, " masked"],
        masked_total: float | None = None,
        maskable_total: float | None = None,
    ) -> PretrainingOutput:
        """Compute the loss; see `convbert_edu.pretraining.batches.masked_batch` for the inputs.

        masked_total, maskable_total: what the two losses are divided by, where a step has more batches than this one
        """
        targets = original_ids.flatten()[masked_positions]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_generator):
            vectors = self.generator.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
            log_probs = score_masked_tokens(self.generator, vectors, masked_positions)
            masked_lm_loss = F.nll_loss(log_probs, targets, reduction="sum")

        sampled = sample_tokens(log_probs.detach(), uniform_samples)
        corrupted_ids = original_ids.flatten().scatter(0, masked_positions, sampled).view_as(original_ids)
        # A token that was sampled right counts as original.
        replaced = corrupted_ids != original_ids

        scores = at_least_float32(self.discriminator(corrupted_ids, attention_mask, token_type_ids).logits)
        # RTD loss of each token: -log sigmoid(score) where it was replaced, -log(1 - sigmoid(score)) where not.
        loss_of_token = F.binary_cross_entropy_with_logits(
            scores, replaced.to(scores.dtype), reduction="none"
        )
        detection_loss = (loss_of_token * maskable).sum()
        loss = self.rtd_weight * detection_loss / (maskable_total or maskable.sum().clamp(min=1))
        if not self.freeze_generator:
            loss = loss + masked_lm_loss / (masked_total or max(1, len(targets)))
        return PretrainingOutput(
            loss=loss,
            masked_lm_loss=masked_lm_loss.detach(),
            num_correct=count_correct(log_probs, targets),
            detection_loss=detection_loss.detach(),
            scores=scores.detach(),
            replaced=replaced,
        )


def sample_tokens(
    log_probs: Float[Tensor, "masked vocab"], uniform_samples: Float[Tensor, " masked"]
) -> Int[Tensor, " masked"]:
    """Sample one token from each row of probabilities, with the random numbers `uniform_samples` (0 to 1).

    The probabilities laid end to end cover the line from 0 to 1; the token is the one on whose stretch the random
    number falls (sampling by the inverse of the cumulative distribution).
    """
    ends = log_probs.exp().cumsum(dim=-1)
    points = uniform_samples.unsqueeze(-1) * ends[:, -1:]
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
