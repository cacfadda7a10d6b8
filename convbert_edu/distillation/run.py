"""Distillation runs: a converted ConvBERT learns from the BERT that it was made from (lesson 16)."""

import math
import os
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.device import autocast, to_device
from convbert_edu.distillation.objective import DistillationObjective, DistillationOutput, Teacher
from convbert_edu.distillation.settings import FREE_TO_CHANGE, DistillationSettings
from convbert_edu.distillation.setup import make_objective, weights_sha256
from convbert_edu.extras.bert_checkpoint import find_bert
from convbert_edu.pretraining.batches import PretrainingBatches, held_out_batches
from convbert_edu.pretraining.evaluation import detection_metrics
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.run import (
    StepTotals,
    TokenFileRun,
    TokenFileTrainer,
    run_on_token_file,
    sequences_for,
)
from convbert_edu.pretraining.token_file import TokenFile
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.distributed import DistributedContext
from convbert_edu.training.random_numbers import Stream
from convbert_edu.training.run_folder import MetricTotals, RunFolder

# Parts of a converted model that start anew, or were fitted, and may learn faster than what comes from the teacher.
NEW_PARTS = (
    "span_key.", "convolution.kernel", "embeddings.projection.", "masked_lm_head.", "replaced_token_head."
)  # fmt: skip


def distil(
    settings: DistillationSettings,
    token_file: TokenFile,
    tokenizer: ConvBertTokenizer,
    output_folder: str | os.PathLike,
    resume: bool = False,
    device: torch.device | None = None,
    held_out: TokenFile | None = None,
) -> dict[str, Any]:
    """Distil as `settings` say and return the record of the run, which `output_folder` holds as record.json.

    At the end the folder holds `model`, ready for from_pretrained; on the way log.jsonl and checkpoints. With `resume`
    a run that was killed or stopped goes on from its newest checkpoint, exactly.
    Raises ValueError for text, settings or a teacher that do not fit, and what `run_in_folder` raises.
    """
    return run_on_token_file(
        DistillationRun, settings, token_file, tokenizer, output_folder, resume, device, held_out
    )


class DistillationRun(TokenFileRun):
    """A distillation run: the student's steps, with the teacher beside it."""

    title = "distillation"
    dropout_stream = Stream.DISTILLATION_DROPOUT
    free_to_change = FREE_TO_CHANGE

    def __init__(
        self,
        settings: DistillationSettings,
        token_file: TokenFile,
        tokenizer: ConvBertTokenizer,
        folder: RunFolder,
        device: torch.device,
        held_out: TokenFile | None,
        distributed: DistributedContext,
    ) -> None:
        sequences = sequences_for(settings, token_file, tokenizer, distributed)
        # For the weights that start anew.
        torch.manual_seed(settings.seed)
        self.objective, self.teacher = make_objective(settings, tokenizer, token_file, device)
        self.hashes = {
            "teacher_sha256": weights_sha256(find_bert(settings.teacher)),
            "student_sha256": weights_sha256(resolve_folder(settings.student, "weights")),
        }
        trainer = DistillationTrainer(settings, self.objective, self.teacher, sequences, distributed)
        super().__init__(settings, trainer, token_file, tokenizer, folder, held_out)

    def measure(self, held_out: TokenFile) -> dict[str, float]:
        """Measure on held-out text how close the student is to its teacher, and what its heads have learned."""
        settings = self.settings
        return evaluate_student(
            self.objective, self.teacher, held_out, self.trainer.sequences.masking,
            autocast(settings.precision, self.device), settings.batch_size, settings.max_length,
            settings.evaluate_sequences,
        )  # fmt: skip

    def save_models(self) -> None:
        """Save the student as `model`."""
        self.objective.student.save_pretrained(self.folder.model)
        self.tokenizer.save_pretrained(self.folder.model)

    def identity(self) -> dict[str, Any]:
        """Return the fingerprints of text, vocabulary, teacher and the student's start."""
        return {**super().identity(), **self.hashes}


class DistillationTrainer(TokenFileTrainer):
    """A trainer for the student; the teacher computes what it is compared with, batch by batch."""

    metrics = (
        "loss", "hidden_error", "last_layer_error", "sentence_error", "attention_error", "masked_lm_loss",
        "num_correct", "detection_loss",
    )  # fmt: skip

    def __init__(
        self,
        settings: DistillationSettings,
        objective: DistillationObjective,
        teacher: Teacher,
        sequences: PretrainingBatches,
        distributed: DistributedContext,
    ) -> None:
        self.teacher = teacher
        super().__init__(
            settings, objective, make_student_optimizer(objective, settings), sequences, distributed
        )

    def compute_loss(
        self, model: nn.Module, batch: dict[str, Tensor], totals: StepTotals
    ) -> tuple[Tensor, Tensor]:
        """Return the objective's loss, and the numbers named in `metrics`."""
        output = model(
            self.teacher.targets_for(batch, self.settings.inputs),
            **batch,
            token_total=totals.tokens,
            masked_total=totals.masked,
            maskable_total=totals.maskable,
        )
        return output.loss, _numbers(output)

    def training_step(self, step: int) -> MetricTotals:
        """Update the weights with the batches of `step` and return what was seen, summed over all processes."""
        seen = super().training_step(step)
        if not self.settings.masked_lm_weight:
            # Nothing was predicted, so the log shall not speak of masked tokens.
            seen.masked_tokens = 0.0
        return seen


def make_student_optimizer(objective: DistillationObjective, settings: DistillationSettings) -> AdamW:
    """Return AdamW with one rate for what comes from the teacher and another for what starts anew.

    Biases and LayerNorms (every one-dimensional parameter) are not decayed.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in objective.student.named_parameters():
        new = any(part in name for part in NEW_PARTS)
        rate = settings.new_learning_rate if new else settings.learning_rate
        decay = 0.0 if parameter.ndim == 1 else settings.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return AdamW(
        [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=1e-6,
        fused=True,
    )


@torch.no_grad()
def evaluate_student(
    objective: DistillationObjective,
    teacher: Teacher,
    held_out: TokenFile,
    masking: Masking,
    precision: AbstractContextManager,
    batch_size: int = 64,
    max_length: int | None = None,
    limit: int = 500,
) -> dict[str, float]:
    """Measure the student on `limit` sequences, always the same ones with the same masked tokens.

    Returns hidden_error and that of each layer, hidden_error_0 (embeddings) to hidden_error_n; sentence_error where
    the loss has it; where the student has the heads, masked_lm_loss, masked_lm_perplexity, masked_lm_accuracy, and
    what `detection_metrics` returns. Teacher and student read as in training.
    """
    device = next(objective.parameters()).device
    settings, was_training = objective.settings, objective.training
    objective.eval()
    tokens = masked = masked_lm_loss = num_correct = sentence_error = 0.0
    errors = torch.zeros_like(objective.variances[:-1], dtype=torch.float64)
    scores: list[np.ndarray] = []
    replaced: list[np.ndarray] = []
    for batch in held_out_batches(held_out, masking, batch_size, max_length, limit):
        batch = to_device(batch, device)
        with precision:
            output = objective(teacher.targets_for(batch, settings.inputs), **batch)
        tokens += int(batch["attention_mask"].sum())
        masked += len(batch["masked_positions"])
        errors += output.layer_errors
        sentence_error += output.sentence_error.item()
        masked_lm_loss += output.masked_lm_loss.item()
        num_correct += output.num_correct.item()
        if output.scores is not None:
            maskable = batch["maskable"]
            scores.append(output.scores[maskable].cpu().numpy())
            replaced.append(output.replaced[maskable].cpu().numpy())
    objective.train(was_training)
    errors /= tokens
    results = {"hidden_error": errors.mean().item()}
    results |= {f"hidden_error_{layer}": error for layer, error in enumerate(errors.tolist())}
    if settings.sentence_embedding_weight:
        results["sentence_error"] = sentence_error / tokens
    if settings.masked_lm_weight:
        loss = masked_lm_loss / masked
        results |= {"masked_lm_loss": loss, "masked_lm_perplexity": math.exp(min(loss, 100))}
        results["masked_lm_accuracy"] = num_correct / masked
    if scores:
        results |= detection_metrics(np.concatenate(scores), np.concatenate(replaced))
    return results


def _numbers(output: DistillationOutput) -> Tensor:
    errors = output.layer_errors
    parts = (
        output.loss.detach(), errors.mean(), errors[-1], output.sentence_error, output.attention_error,
        output.masked_lm_loss, output.num_correct, output.detection_loss,
    )  # fmt: skip
    return torch.stack([part.double() for part in parts])
