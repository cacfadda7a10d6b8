"""The loss of a distillation: how far the student's hidden states are from the teacher's, and both objectives of
pretraining beside it.

Lesson 16 writes the first two lines of it:

loss = hidden_weight * mean over layers l of |s_l - t_l|^2 / (d var_l)      (hidden states, every real token)
     + sentence_embedding_weight * |c - m|^2 / (d var_m)                    (c: last [CLS] state, every text)
     + attention_weight * mean over layers of KL(P_teacher || P_student)    (heads that stayed self-attention)
     + masked_lm_weight * MLM + rtd_weight * RTD                            (as in pretraining)

var_l is the variance of the teacher's hidden states of layer l, so that an error of 1 is what a student reaches that
always says the mean. Layer 0 is the output of the embeddings. m is the mean of the teacher's last hidden states over
the tokens of a text: sentence embeddings are such means, but the heads of a ConvBERT read [CLS]. With a weight above 0
for it, [CLS] of the last layer therefore learns m, in place of the teacher's own [CLS].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu.device import at_least_float32
from convbert_edu.distillation.settings import DistillationSettings
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.heads import ConvBertForMaskedLM, ReplacedTokenHead
from convbert_edu.models.outputs import EncoderOutput
from convbert_edu.pretraining.objectives import count_correct, sample_tokens, score_masked_tokens


@dataclass(frozen=True, kw_only=True)
class TeacherTargets:
    """What the teacher says about a batch, for the layers that the student is compared with.

    hidden_states: the output of the embeddings first, then that of one layer of the teacher for each of the student's
    attentions: for each layer of the student the maps of the heads that it kept; None where they are not compared
    """

    hidden_states: tuple[Float[Tensor, "batch seq hidden"], ...]
    attentions: tuple[Float[Tensor, "batch heads seq seq"], ...] | None = None


@dataclass(kw_only=True)
class DistillationOutput:
    """Loss of a batch, and its parts summed over tokens so that long texts count as they should.

    layer_errors: for embeddings and each layer, the sum over real tokens of the error as the loss has it
    sentence_error: of each text, times its number of real tokens
    masked_lm_loss, num_correct: over masked tokens; detection_loss: over all that may be masked
    scores, replaced: for each token the logit of the replaced-token head, and whether it was really replaced; None
    where there is no such head
    """

    loss: Float[Tensor, ""]
    layer_errors: Float[Tensor, " layers"]
    sentence_error: Float[Tensor, ""]
    attention_error: Float[Tensor, ""]
    masked_lm_loss: Float[Tensor, ""]
    num_correct: Float[Tensor, ""]
    detection_loss: Float[Tensor, ""]
    scores: Float[Tensor, "batch seq"] | None = None
    replaced: Bool[Tensor, "batch seq"] | None = None


class MaskedLMWithDetector(ConvBertForMaskedLM):
    """A masked language model that can also tell replaced tokens: both heads of pretraining on one encoder.

    Saved, it is one folder that ConvBertModel, ConvBertForMaskedLM and ConvBertForPreTraining open.
    """

    saved_as = "ConvBertForMaskedLM"

    def __init__(self, config: object) -> None:
        super().__init__(config)
        self.replaced_token_head = ReplacedTokenHead(config)
        self.init_weights()
        self.tie_weights()


class Teacher:
    """A BERT that is only read from: it computes what the student is compared with, without gradients.

    layers: the teacher's layer for each of the student's; kept_heads: for each of them the heads whose attention maps
    are compared, None for no maps
    """

    def __init__(
        self, encoder: ConvBertModel, layers: Sequence[int], kept_heads: Sequence[Sequence[int]] | None = None
    ) -> None:
        self.encoder = encoder.eval().requires_grad_(False)
        self.layers, self.kept_heads = list(layers), kept_heads

    @torch.no_grad()
    def targets(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch seq"],
        token_type_ids: Int[Tensor, "batch seq"],
    ) -> TeacherTargets:
        """Return hidden states, and attention maps if they are compared."""
        found = self.encoder(
            input_ids, attention_mask, token_type_ids,
            output_hidden_states=True, output_attentions=self.kept_heads is not None,
        )  # fmt: skip
        states = (found.hidden_states[0], *(found.hidden_states[layer + 1] for layer in self.layers))
        if self.kept_heads is None:
            return TeacherTargets(hidden_states=states)
        pairs = zip(self.layers, self.kept_heads, strict=True)
        maps = tuple(found.attentions[layer][:, list(heads)] for layer, heads in pairs)
        return TeacherTargets(hidden_states=states, attentions=maps)

    def targets_for(self, batch: dict[str, Tensor], inputs: str) -> TeacherTargets:
        """Return what the teacher says about a batch, which it reads masked or not as `inputs` says."""
        ids = batch["input_ids" if inputs == "masked" else "original_ids"]
        return self.targets(ids, batch["attention_mask"], batch["token_type_ids"])


class DistillationObjective(nn.Module):
    """The student and the loss that it learns by; what the teacher says comes in from outside.

    variances [layers + 2]: of the teacher's hidden states, embeddings first; at the end, of its sentence embeddings
    """

    variances: Float[Tensor, " states"]

    def __init__(
        self,
        student: ConvBertModel | ConvBertForMaskedLM,
        settings: DistillationSettings,
        variances: Float[Tensor, " states"],
    ) -> None:
        super().__init__()
        self.student, self.settings, self.config = student, settings, student.config
        self.encoder: ConvBertModel = getattr(student, "encoder", student)
        self.register_buffer("variances", variances)

    def forward(
        self,
        targets: TeacherTargets,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch seq"],
        token_type_ids: Int[Tensor, "batch seq"],
        original_ids: Int[Tensor, "batch seq"],
        maskable: Bool[Tensor, "batch seq"],
        masked_positions: Int[Tensor, " masked"],
        uniform_samples: Float[Tensor, " masked"],
        token_total: float | None = None,
        masked_total: float | None = None,
        maskable_total: float | None = None,
    ) -> DistillationOutput:
        """Compute the loss; see `convbert_edu.pretraining.batches.masked_batch` for the inputs.

        token_total, masked_total, maskable_total: what the sums over tokens are divided by, where a step has more
        batches than this one
        """
        settings, rest = self.settings, (attention_mask, token_type_ids)
        read = original_ids if settings.inputs == "original" else input_ids
        maps = targets.attentions is not None
        found = self.encoder(read, *rest, output_hidden_states=True, output_attentions=maps)
        states = list(targets.hidden_states)
        if settings.sentence_embedding_weight:
            means = sentence_embeddings(states[-1], attention_mask)
            states[-1] = torch.cat([means[:, None], states[-1][:, 1:]], dim=1)
        errors = self.layer_errors(found, states, attention_mask)
        tokens = token_total or attention_mask.sum()
        loss = settings.hidden_weight * errors.mean() / tokens
        zero = loss.detach() * 0.0
        output = DistillationOutput(
            loss=loss, layer_errors=errors.detach(), sentence_error=zero, attention_error=zero, masked_lm_loss=zero,
            num_correct=zero, detection_loss=zero,
        )  # fmt: skip
        if settings.sentence_embedding_weight:
            error = self.sentence_error(found.last_hidden_state, means, attention_mask)
            output.loss = output.loss + settings.sentence_embedding_weight * error / tokens
            output.sentence_error = error.detach()
        if maps:
            error = attention_error(found.attentions, targets.attentions, attention_mask)
            output.loss = output.loss + settings.attention_weight * error / tokens
            output.attention_error = error.detach()
        if settings.masked_lm_weight:
            last = found.last_hidden_state
            if settings.inputs == "original":
                last = self.encoder(input_ids, *rest).last_hidden_state
            corrupted_ids = self._masked_lm(
                output, last, original_ids, masked_positions, uniform_samples, masked_total
            )
            if settings.rtd_weight:
                self._detection(output, corrupted_ids, original_ids, rest, maskable, maskable_total)
        return output

    def layer_errors(
        self,
        found: EncoderOutput,
        states: Sequence[Float[Tensor, "batch seq hidden"]],
        attention_mask: Int[Tensor, "batch seq"],
    ) -> Float[Tensor, " layers"]:
        """Return, for embeddings and each layer, |s - t|^2 / (d var) summed over real tokens."""
        real = attention_mask.bool()
        errors = []
        for ours, theirs in zip(found.hidden_states, states, strict=True):
            difference = at_least_float32(ours[real]) - at_least_float32(theirs[real])
            errors.append(difference.square().mean(dim=-1).sum())
        return torch.stack(errors) / self.variances[:-1]

    def sentence_error(
        self,
        last: Float[Tensor, "batch seq hidden"],
        means: Float[Tensor, "batch hidden"],
        attention_mask: Int[Tensor, "batch seq"],
    ) -> Float[Tensor, ""]:
        """Return |c - m|^2 / (d var) of each text, times its number of real tokens, summed over texts."""
        each = (at_least_float32(last[:, 0]) - means).square().mean(dim=-1)
        return (each * attention_mask.sum(dim=1)).sum() / self.variances[-1]

    def _masked_lm(
        self,
        output: DistillationOutput,
        last: Float[Tensor, "batch seq hidden"],
        original_ids: Int[Tensor, "batch seq"],
        positions: Int[Tensor, " masked"],
        uniform_samples: Float[Tensor, " masked"],
        total: float | None,
    ) -> Int[Tensor, "batch seq"]:
        """Add masked language modelling to the loss; return the text with the student's samples in it."""
        original_tokens = original_ids.flatten()[positions]
        log_probs = score_masked_tokens(self.student, last, positions)
        masked_lm_loss = F.nll_loss(log_probs, original_tokens, reduction="sum")
        output.loss = output.loss + self.settings.masked_lm_weight * masked_lm_loss / (
            total or max(1, len(original_tokens))
        )
        output.masked_lm_loss = masked_lm_loss.detach()
        output.num_correct = count_correct(log_probs, original_tokens).to(output.loss.dtype)
        if not self.settings.rtd_weight:
            return original_ids
        sampled = sample_tokens(log_probs.detach(), uniform_samples)
        return original_ids.flatten().scatter(0, positions, sampled).view_as(original_ids)

    def _detection(
        self,
        output: DistillationOutput,
        corrupted_ids: Int[Tensor, "batch seq"],
        original_ids: Int[Tensor, "batch seq"],
        rest: tuple[Tensor, Tensor],
        maskable: Bool[Tensor, "batch seq"],
        total: float | None,
    ) -> None:
        """Add replaced-token detection to the loss. No gradient passes through the sampling."""
        replaced = corrupted_ids != original_ids
        last = self.encoder(corrupted_ids, *rest).last_hidden_state
        scores = at_least_float32(self.student.replaced_token_head(last))
        each = F.binary_cross_entropy_with_logits(scores, replaced.to(scores.dtype), reduction="none")
        detection_loss = (each * maskable).sum()
        output.loss = output.loss + self.settings.rtd_weight * detection_loss / (
            total or maskable.sum().clamp(min=1)
        )
        output.detection_loss, output.scores, output.replaced = (
            detection_loss.detach(),
            scores.detach(),
            replaced,
        )


def sentence_embeddings(
    hidden_states: Float[Tensor, "batch seq hidden"], attention_mask: Int[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """Return the mean of the hidden states of each text over its real tokens, [CLS] and [SEP] among them."""
    real = attention_mask[..., None].to(hidden_states.dtype)
    return at_least_float32(hidden_states * real).sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)


def attention_error(
    ours: Sequence[Float[Tensor, "batch heads seq seq"]],
    theirs: Sequence[Float[Tensor, "batch heads seq seq"]],
    attention_mask: Int[Tensor, "batch seq"],
) -> Float[Tensor, ""]:
    """Return KL(theirs || ours) of each real token's attention: mean over heads and layers, sum over tokens."""
    real = attention_mask.bool()
    total = torch.zeros((), device=real.device)
    for our_map, their_map in zip(ours, theirs, strict=True):
        our_log, their_log = (at_least_float32(each).clamp(min=1e-9).log() for each in (our_map, their_map))
        divergence = (at_least_float32(their_map) * (their_log - our_log)).sum(dim=-1).mean(dim=1)
        total = total + divergence[real].sum() / len(ours)
    return total
