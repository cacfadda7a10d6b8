"""Pretraining runs: masked language modelling, alone or with replaced-token detection (lesson 08)."""

import os
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from convbert_edu.device import autocast, find_device, to_device
from convbert_edu.pretraining.batches import PretrainingBatches
from convbert_edu.pretraining.evaluation import evaluate_objective
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.settings import FREE_TO_CHANGE, PretrainSettings
from convbert_edu.pretraining.setup import Objective, make_objective, save_models
from convbert_edu.pretraining.token_file import TokenFile
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.distributed import DistributedContext
from convbert_edu.training.optimizer import linear_schedule, make_optimizer
from convbert_edu.training.random_numbers import Stream
from convbert_edu.training.run import Run, run_in_folder
from convbert_edu.training.run_folder import MetricTotals, RunFolder
from convbert_edu.training.trainer import Trainer


def pretrain(
    settings: PretrainSettings,
    token_file: TokenFile,
    tokenizer: ConvBertTokenizer,
    output_folder: str | os.PathLike,
    resume: bool = False,
    device: torch.device | None = None,
    held_out: TokenFile | None = None,
) -> dict[str, Any]:
    """Pretrain as `settings` say and return the record of the run, which `output_folder` holds as record.json.

    At the end the folder holds `generator` and `discriminator`, ready for from_pretrained; on the way log.jsonl and
    checkpoints. With `resume` a run that was killed or stopped goes on from its newest checkpoint.
    Raises ValueError for text, vocabulary or settings that do not fit, and what `run_in_folder` raises.
    """
    device = device or find_device()
    for file in (token_file, held_out):
        if file is not None:
            file.check_vocabulary(tokenizer)

    def make_run(folder: RunFolder, distributed: DistributedContext) -> PretrainingRun:
        return PretrainingRun(settings, token_file, tokenizer, folder, device, held_out, distributed)

    return run_in_folder(make_run, output_folder, resume, settings.threads, device)


class PretrainingRun(Run):
    """A pretraining run: sequences of a token file, a log of its losses, measurements on held-out text."""

    title = "pretraining"
    dropout_stream = Stream.PRETRAINING_DROPOUT
    free_to_change = FREE_TO_CHANGE

    def __init__(
        self,
        settings: PretrainSettings,
        token_file: TokenFile,
        tokenizer: ConvBertTokenizer,
        folder: RunFolder,
        device: torch.device,
        held_out: TokenFile | None,
        distributed: DistributedContext,
    ) -> None:
        self.token_file, self.tokenizer, self.held_out = token_file, tokenizer, held_out
        self.masking = Masking(
            tokenizer, settings.mask_probability, settings.mask_share, settings.whole_word_masking
        )
        step_size = settings.batch_size * settings.gradient_accumulation_steps * distributed.world_size
        sequences = PretrainingBatches(
            token_file, self.masking, step_size, settings.max_length, settings.seed
        )
        torch.manual_seed(settings.seed)  # for the first weights
        self.objective = make_objective(settings, tokenizer, sequences.longest).to(device)
        trainer = PretrainingTrainer(settings, self.objective, sequences, distributed)
        last_step = min(settings.steps, settings.stop_after or settings.steps)
        super().__init__(folder, settings, trainer, last_step, distributed)
        # What was seen in all, and since the last line of the log.
        self.whole, self.window = MetricTotals(), MetricTotals()

    def restore_or_start(self, resume: bool) -> None:
        """Start at step 0, or go on from the newest checkpoint; the text is checked first."""
        if self.distributed.is_main_process:
            self.token_file.check()
        super().restore_or_start(resume)

    def batches(self) -> Iterator[int]:
        """Yield the numbers of the steps that are left: what a step reads follows from its number."""
        yield from range(self.global_step, self.last_step)

    def training_step(self, batch: int) -> str:
        """Take one step and return what the progress bar shows of it."""
        seen = self.trainer.training_step(batch)
        self.whole.add(seen)
        self.window.add(seen)
        means = self.window.means()
        return f"loss {means['loss']:.3f}, {means['tokens_per_second']:,.0f} tokens/s"

    def after_step(self) -> None:
        """Write a line of the log, and one of measurements, when it is time for them."""
        if not self.distributed.is_main_process:
            return
        step, settings, log = self.global_step, self.settings, self.folder.log
        if step % settings.log_every == 0 or step == self.last_step:
            rate = self.trainer.schedule.get_last_lr()[0]
            log.add(step=step, tokens=int(self.whole.tokens), learning_rate=rate, **self.window.means())
            self.window = MetricTotals()
        every = settings.evaluate_every
        if every and step % every == 0 and step < self.last_step:
            results = self._measure()
            if results:
                log.add(step=step, held_out=results)

    def finish(self) -> dict[str, Any]:
        """Measure once more, save models and record, and return the record."""
        step_size = self.trainer.sequences.step_size
        record = {
            "settings": self.settings.to_dict(),
            **self.identity(),
            "processes": self.distributed.world_size,
            "steps": self.global_step,
            "tokens": int(self.whole.tokens),
            "seconds": round(self.whole.seconds, 1),
            "epochs": round(self.global_step * step_size / len(self.token_file), 3),
            "torch": torch.__version__,
        }
        if self.distributed.is_main_process:
            self._save()
            record["last_steps"] = self.folder.log.lines()[-1]
            record["held_out"] = self._measure()
            save_models(self.objective, self.tokenizer, self.folder.path)
            self.write_record(record)
        return record

    def identity(self) -> dict[str, Any]:
        """Return the fingerprints of text and vocabulary."""
        return {name: self.token_file.index[name] for name in ("tokens_sha256", "vocabulary_sha256")}

    def progress_state(self) -> dict[str, Any]:
        """Return what was seen so far."""
        return {"whole": self.whole.to_dict(), "window": self.window.to_dict()}

    def load_progress_state(self, state: dict[str, Any]) -> None:
        """Put back what `progress_state` returned."""
        self.whole, self.window = MetricTotals(**state["whole"]), MetricTotals(**state["window"])

    def _measure(self) -> dict[str, float] | None:
        if self.held_out is None:
            return None
        settings = self.settings
        return evaluate_objective(
            self.objective, self.held_out, self.masking, autocast(settings.precision, self.device),
            settings.batch_size, settings.max_length, settings.evaluate_sequences,
        )  # fmt: skip


class PretrainingTrainer(Trainer):
    """A trainer for an objective and the sequences of a token file.

    What step t does follows from (seed, t) alone: the sequences, the masked tokens, the sampled tokens, the dropout.
    """

    def __init__(
        self,
        settings: PretrainSettings,
        objective: Objective,
        sequences: PretrainingBatches,
        distributed: DistributedContext,
    ) -> None:
        self.settings, self.sequences = settings, sequences
        optimizer = make_optimizer(
            objective, settings.learning_rate, settings.weight_decay, betas=(settings.beta1, settings.beta2)
        )
        schedule = linear_schedule(optimizer, settings.steps, settings.warmup_steps)
        super().__init__(
            objective, optimizer, schedule, settings.max_grad_norm, settings.precision, distributed
        )

    def training_step(self, step: int) -> MetricTotals:
        """Update the weights with the batches of `step` and return what was seen, summed over all processes."""
        began, count = time.monotonic(), self.settings.gradient_accumulation_steps
        world_size = self.distributed.world_size
        first = self.distributed.rank * count
        batches = [self.sequences.load(step, first + number, count * world_size) for number in range(count)]

        # Every masked token of the step weighs the same, in whatever micro-batch and process it stands.
        counts = [sum(int(batch[name].sum()) for batch in batches) for name in ("maskable", "attention_mask")]
        counts.append(sum(len(batch["masked_positions"]) for batch in batches))
        maskable, tokens, masked = self.distributed.all_reduce(
            [float(number) for number in counts], self.device
        )

        def compute_loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            # Gradients are averaged over processes where a sum is wanted; hence the division.
            output = model(
                **to_device(batch, self.device),
                masked_total=masked / world_size,
                maskable_total=maskable / world_size,
            )
            # The loss was multiplied by the number of processes above; the other sums were not.
            sums = output.sums()
            return output.loss, torch.cat([sums[:1] / world_size, sums[1:]])

        sums = self.update_weights(batches, compute_loss)
        names = ("loss", "masked_lm_loss", "num_correct", "cls_mlm_loss", "detection_loss")
        return MetricTotals(
            **dict(zip(names, sums, strict=True)), words=maskable, tokens=tokens, hidden=masked, steps=1.0,
            seconds=time.monotonic() - began,
        )  # fmt: skip
