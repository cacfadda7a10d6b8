"""Pretraining runs: masked language modelling, alone or with replaced-token detection (lesson 08)."""

import os
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from convbert_edu.device import autocast, find_device, to_device
from convbert_edu.pretraining.batches import PretrainingBatches
from convbert_edu.pretraining.evaluation import evaluate_objective
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.settings import FREE_TO_CHANGE, PretrainSettings, TokenFileSettings
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
    return run_on_token_file(
        PretrainingRun, settings, token_file, tokenizer, output_folder, resume, device, held_out
    )


def run_on_token_file(
    kind: "Callable[..., TokenFileRun]",
    settings: TokenFileSettings,
    token_file: TokenFile,
    tokenizer: ConvBertTokenizer,
    output_folder: str | os.PathLike,
    resume: bool,
    device: torch.device | None,
    held_out: TokenFile | None,
) -> dict[str, Any]:
    """Start a run of this kind, or go on with it, and return its record.

    Raises ValueError where the text was packed with another vocabulary, and what `run_in_folder` raises.
    """
    device = device or find_device()
    for file in (token_file, held_out):
        if file is not None:
            file.check_vocabulary(tokenizer)

    def make_run(folder: RunFolder, distributed: DistributedContext) -> TokenFileRun:
        return kind(settings, token_file, tokenizer, folder, device, held_out, distributed)

    return run_in_folder(make_run, output_folder, resume, settings.threads, device)


class StepTotals(NamedTuple):
    """How many tokens a step has, per process: those that may be masked, those that are, and all real ones."""

    maskable: float
    masked: float
    tokens: float


class TokenFileRun(Run):
    """A run over the sequences of a token file, with a log of its losses and measurements on held-out text.

    Pretraining and distillation are such runs; they differ in their trainer, and in what they measure and save.
    """

    def __init__(
        self,
        settings: TokenFileSettings,
        trainer: "TokenFileTrainer",
        token_file: TokenFile,
        tokenizer: ConvBertTokenizer,
        folder: RunFolder,
        held_out: TokenFile | None,
    ) -> None:
        last_step = min(settings.steps, settings.stop_after or settings.steps)
        super().__init__(folder, settings, trainer, last_step, trainer.distributed)
        self.token_file, self.tokenizer, self.held_out = token_file, tokenizer, held_out
        # What was seen in all, and since the last line of the log.
        self.whole, self.window = MetricTotals(), MetricTotals()

    @abstractmethod
    def measure(self, held_out: TokenFile) -> dict[str, float]:
        """Measure the model on held-out text."""

    @abstractmethod
    def save_models(self) -> None:
        """Save what was trained, ready for from_pretrained, in the run's folder."""

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
        if self.held_out is not None and every and step % every == 0 and step < self.last_step:
            log.add(step=step, held_out=self.measure(self.held_out))

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
            self.save_checkpoint()
            record["last_steps"] = self.folder.log.lines()[-1]
            record["held_out"] = None if self.held_out is None else self.measure(self.held_out)
            self.save_models()
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


class TokenFileTrainer(Trainer):
    """A trainer for an objective and the sequences of a token file.

    What step t does follows from (seed, t) alone: the sequences, the masked tokens, the sampled tokens, the dropout.
    """

    # Names of the numbers that `compute_loss` returns, as fields of MetricTotals.
    metrics: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        settings: TokenFileSettings,
        objective: nn.Module,
        optimizer: Optimizer,
        sequences: PretrainingBatches,
        distributed: DistributedContext,
    ) -> None:
        self.settings, self.sequences = settings, sequences
        schedule = linear_schedule(optimizer, settings.steps, settings.warmup_steps)
        super().__init__(
            objective, optimizer, schedule, settings.max_grad_norm, settings.precision, distributed
        )

    @abstractmethod
    def compute_loss(
        self, model: nn.Module, batch: dict[str, Tensor], totals: StepTotals
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch, and the numbers named in `metrics`.

        totals: what sums over tokens are divided by: every token of a step weighs the same, in whatever micro-batch
        and process it stands
        """

    def training_step(self, step: int) -> MetricTotals:
        """Update the weights with the batches of `step` and return what was seen, summed over all processes."""
        began, count = time.monotonic(), self.settings.gradient_accumulation_steps
        world_size = self.distributed.world_size
        first = self.distributed.rank * count
        batches = [self.sequences.load(step, first + number, count * world_size) for number in range(count)]
        counts = [
            sum(int(batch["maskable"].sum()) for batch in batches),
            sum(len(batch["masked_positions"]) for batch in batches),
            sum(int(batch["attention_mask"].sum()) for batch in batches),
        ]
        sums = self.distributed.all_reduce([float(number) for number in counts], self.device)
        # Gradients are averaged over processes where a sum is wanted; hence the division.
        totals = StepTotals(*(number / world_size for number in sums))

        def compute_loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            loss, numbers = self.compute_loss(model, to_device(batch, self.device), totals)
            numbers[0] /= world_size
            return loss, numbers

        numbers = self.update_weights(batches, compute_loss)
        return MetricTotals(
            **dict(zip(self.metrics, numbers, strict=True)), maskable_tokens=sums[0], masked_tokens=sums[1],
            tokens=sums[2],
            steps=1.0, seconds=time.monotonic() - began,
        )  # fmt: skip


class PretrainingRun(TokenFileRun):
    """A pretraining run: masked language modelling, alone or with replaced-token detection."""

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
        sequences = sequences_for(settings, token_file, tokenizer, distributed)
        # For the initialisation of the weights.
        torch.manual_seed(settings.seed)
        self.objective = make_objective(settings, tokenizer, sequences.max_length).to(device)
        trainer = PretrainingTrainer(settings, self.objective, sequences, distributed)
        super().__init__(settings, trainer, token_file, tokenizer, folder, held_out)

    def measure(self, held_out: TokenFile) -> dict[str, float]:
        """Measure generator and discriminator on held-out text."""
        settings = self.settings
        return evaluate_objective(
            self.objective, held_out, self.trainer.sequences.masking, autocast(settings.precision, self.device),
            settings.batch_size, settings.max_length, settings.evaluate_sequences,
        )  # fmt: skip

    def save_models(self) -> None:
        """Save `generator` and `discriminator`, as far as they were trained."""
        save_models(self.objective, self.tokenizer, self.folder.path)


class PretrainingTrainer(TokenFileTrainer):
    """A trainer for the objectives of pretraining."""

    metrics = ("loss", "masked_lm_loss", "num_correct", "cls_mlm_loss", "detection_loss")

    def __init__(
        self,
        settings: PretrainSettings,
        objective: Objective,
        sequences: PretrainingBatches,
        distributed: DistributedContext,
    ) -> None:
        optimizer = make_optimizer(
            objective, settings.learning_rate, settings.weight_decay, betas=(settings.beta1, settings.beta2)
        )
        super().__init__(settings, objective, optimizer, sequences, distributed)

    def compute_loss(
        self, model: nn.Module, batch: dict[str, Tensor], totals: StepTotals
    ) -> tuple[Tensor, Tensor]:
        """Return the objective's loss, and the numbers named in `metrics`."""
        output = model(**batch, masked_total=totals.masked, maskable_total=totals.maskable)
        return output.loss, output.sums()


def sequences_for(
    settings: TokenFileSettings,
    token_file: TokenFile,
    tokenizer: ConvBertTokenizer,
    distributed: DistributedContext,
) -> PretrainingBatches:
    """Return the masked sequences that the steps of a run read, as its settings say."""
    masking = Masking(tokenizer, settings.mask_probability, settings.mask_share, settings.whole_word_masking)
    step_size = settings.batch_size * settings.gradient_accumulation_steps * distributed.world_size
    return PretrainingBatches(token_file, masking, step_size, settings.max_length, settings.seed)
