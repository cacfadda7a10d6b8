"""A run in its folder: steps with a progress bar, a log, checkpoints, and a way back after any interruption.

Lesson 15 kills a run and resumes it. Pretraining and fine-tuning are such runs (`pretraining/run.py`,
`finetuning/run.py`); what differs between them is what a step reads, what is logged and
measured, and what is left at the end.
"""

import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
from tqdm import tqdm

from convbert_edu.files import atomic_write
from convbert_edu.training.distributed import DistributedContext, init_distributed
from convbert_edu.training.random_numbers import Stream, random_bits
from convbert_edu.training.run_checkpoint import check_same_run, load_checkpoint, save_checkpoint
from convbert_edu.training.run_folder import RunFolder, StopRequest
from convbert_edu.training.settings import Settings
from convbert_edu.training.trainer import Trainer


class Run(ABC):
    """A training run, and how far it is.

    What a step does follows from the seed and the number of the step alone. So weights, optimiser and that number are
    all that is needed to go on exactly after an interruption.
    """

    # Of the progress bar.
    title: ClassVar[str]
    # The random numbers of its dropout.
    dropout_stream: ClassVar[Stream]
    # Settings that may differ when a run goes on.
    free_to_change: ClassVar[frozenset[str]]

    def __init__(
        self,
        folder: RunFolder,
        settings: Settings,
        trainer: Trainer,
        last_step: int,
        distributed: DistributedContext,
    ) -> None:
        self.folder, self.settings, self.trainer, self.distributed = folder, settings, trainer, distributed
        self.device, self.last_step = trainer.device, last_step
        # Spent in all sessions so far, measurements included.
        self.seconds = 0.0

    @property
    def global_step(self) -> int:
        """Steps taken, in this session and those before."""
        return self.trainer.global_step

    # What each kind of run defines.

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """Yield what each step reads, from `global_step` on."""

    @abstractmethod
    def training_step(self, batch: Any) -> str:
        """Take one step and return what the progress bar shows of it."""

    @abstractmethod
    def after_step(self) -> None:
        """Log and measure, when it is time for that."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return all that must not change when a run goes on, beside the settings and the number of processes."""

    @abstractmethod
    def progress_state(self) -> dict[str, Any]:
        """Return what a checkpoint holds beside the trainer's state: totals for the log, measurements."""

    @abstractmethod
    def load_progress_state(self, state: dict[str, Any]) -> None:
        """Put back what `progress_state` returned."""

    @abstractmethod
    def finish(self) -> dict[str, Any]:
        """Measure once more, save models and record, and return the record."""

    def should_stop_early(self) -> bool:
        """Say whether further steps are of no use."""
        return False

    # What all runs have in common.

    def restore_or_start(self, resume: bool) -> None:
        """Start at step 0, or go on from the newest checkpoint."""
        newest = self.folder.starting_point(resume)
        # All processes have looked for checkpoints before one is written.
        self.distributed.barrier(self.device)
        if newest is not None:
            self._restore(newest)
        elif self.distributed.is_main_process:
            # From here on there is always something to go back to.
            self.save_checkpoint()

    def train(self, stop: StopRequest) -> None:
        """Take the steps that are left; raise KeyboardInterrupt, with all saved, where a stop is asked for."""
        main, saved_at = self.distributed.is_main_process, time.monotonic()
        began = saved_at - self.seconds
        # Left alone in the main process, so that TQDM_DISABLE counts.
        options: dict[str, Any] = {} if main else {"disable": True}
        bar = tqdm(total=self.last_step, initial=self.global_step, desc=self.title, unit="step", **options)
        with bar:
            for batch in self.batches():
                if self.global_step >= self.last_step or self.should_stop_early():
                    break
                self._seed_dropout()
                bar.set_postfix_str(self.training_step(batch), refresh=False)
                bar.update()
                self.after_step()
                self.seconds = time.monotonic() - began
                (stopped,) = self.distributed.all_reduce([float(stop.asked)], self.device)
                due = time.monotonic() - saved_at > 60 * self.settings.checkpoint_minutes
                if main and (stopped or due):
                    self.save_checkpoint()
                    saved_at = time.monotonic()
                if stopped:
                    # The other processes wait until all is saved.
                    self.distributed.barrier(self.device)
                    raise KeyboardInterrupt

    def write_record(self, record: dict[str, Any]) -> None:
        """Write record.json, whole or not at all: where it is, the run is complete."""
        with atomic_write(self.folder.record, "w") as file:
            file.write(json.dumps(record, indent=2) + "\n")

    def _seed_dropout(self) -> None:
        """Make dropout follow from (seed, step, process): a run that goes on meets the same random numbers."""
        bits = random_bits(self.settings.seed, self.dropout_stream, self.global_step, self.distributed.rank)
        torch.manual_seed(int(bits[0] >> 1))

    def _whole_identity(self) -> dict[str, Any]:
        settings = self.settings.to_dict()
        kept = {name: value for name, value in settings.items() if name not in self.free_to_change}
        return {**kept, **self.identity(), "processes": self.distributed.world_size}

    def save_checkpoint(self) -> None:
        """Write all that is needed to go on from here."""
        state = {"identity": self._whole_identity(), "seconds": self.seconds, **self.progress_state()}
        save_checkpoint(self.folder.checkpoints, self.global_step, state | self.trainer.state_dict())

    def _restore(self, path: Path) -> None:
        state = load_checkpoint(path, self.device)
        check_same_run(path, state["identity"], self._whole_identity())
        self.trainer.load_state_dict(state)
        self.seconds = state["seconds"]
        self.load_progress_state(state)
        if self.distributed.is_main_process:
            self.folder.log.rewind(self.global_step)


def run_in_folder(
    make_run: Callable[[RunFolder, DistributedContext], Run],
    output_folder: str | os.PathLike,
    resume: bool,
    threads: int | None,
    device: torch.device,
) -> dict[str, Any]:
    """Make a run, start it or go on with it, and return its record.

    Raises FileExistsError where the folder holds a run already or another one is writing to it, FileNotFoundError
    where there is none to resume, ArithmeticError when the loss is no finite number, OSError when a file cannot be
    written, KeyboardInterrupt after Ctrl-C, once all is saved.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    folder = RunFolder(output_folder)
    # Whatever is wrong with the folder is said before anything takes time.
    folder.starting_point(resume)
    with init_distributed(device) as distributed, StopRequest() as stop:
        return _run_with(distributed, stop, make_run, folder, resume)


def _run_with(
    distributed: DistributedContext,
    stop: StopRequest,
    make_run: Callable[[RunFolder, DistributedContext], Run],
    folder: RunFolder,
    resume: bool,
) -> dict[str, Any]:
    """The run and its model live here only: they must be gone when the processes part."""
    run = make_run(folder, distributed)
    with folder.claim(distributed):
        run.restore_or_start(resume)
        with folder.explained_endings():
            run.train(stop)
            return run.finish()
