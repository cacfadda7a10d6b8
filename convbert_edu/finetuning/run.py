"""A fine-tuning run: the loop, with measurements after each epoch, checkpoints, and a way back."""

import dataclasses
import hashlib
import json
import os
import shutil
import time
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.config import ConvBertConfig
from convbert_edu.data.examples import Splits
from convbert_edu.device import find_device
from convbert_edu.files import atomic_write
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks.base import Task, names_of
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.distributed import Processes, join_processes
from convbert_edu.training.predict import read_rows
from convbert_edu.training.random_numbers import random_bits
from convbert_edu.training.run_checkpoint import check_same_run, load_state, save_state
from convbert_edu.training.run_folder import RunFolder, StopRequest
from convbert_edu.training.settings import FREE_TO_CHANGE
from convbert_edu.training.trainer import Learning

DROPOUT = 4  # a stream of random numbers of its own


def finetune(
    task: Task,
    splits: Splits,
    model: str | os.PathLike,
    output_folder: str | os.PathLike,
    settings: FinetuneSettings | None = None,
    resume: bool = False,
    device: torch.device | None = None,
) -> dict[str, Any]:
    """Fine-tune a model (a name or a folder) for a task and return the record of the run.

    `output_folder` then holds the best epoch's model in `model`, log.jsonl, and the record as record.json. The best
    epoch is chosen on the validation part (the last one, where there is none); the test part is measured once, at
    the end. With `resume` a run that was killed or stopped goes on from its newest checkpoint; of a complete one the
    record is returned.
    Raises FileExistsError where the folder holds a run already or another one is writing to it, FileNotFoundError
    where there is none to resume, ValueError for data and settings that do not fit the model, ArithmeticError when
    the loss is no number, OSError when a file cannot be written, KeyboardInterrupt after Ctrl-C, once all is saved.
    """
    settings = settings or FinetuneSettings()
    device = device or find_device()
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    folder = RunFolder(output_folder)
    if resume and folder.record.exists():
        return json.loads(folder.record.read_text(encoding="utf-8"))
    folder.starting_point(resume)  # before anything takes time
    with join_processes(device) as processes, StopRequest() as stop:
        run = FinetuningRun(task, splits, model, folder, settings, device, processes)
        with folder.claim(processes):
            run.begin(resume)
            with folder.explained_endings():
                run.go(stop)
                return run.finish()


class FinetuningRun:
    """A run in its folder, and how far it is."""

    def __init__(
        self,
        task: Task,
        splits: Splits,
        model_name: str | os.PathLike,
        folder: RunFolder,
        settings: FinetuneSettings,
        device: torch.device,
        processes: Processes,
    ) -> None:
        if not splits.train:
            raise ValueError("the training part is empty; give at least one example to learn from")
        task = task.fitted_to(splits)
        self.task, self.splits, self.folder, self.settings = task, splits, folder, settings
        self.model_name, self.device, self.processes = str(model_name), device, processes
        self.tokenizer = ConvBertTokenizer.from_pretrained(model_name)
        self.model = starting_model(task, splits, model_name, settings).to(device)
        self.max_length = settings.row_length(task, self.model.config)
        rows = task.for_training(self._encode(splits.train))
        self.learning = Learning(self.model, rows, settings, processes)
        self.validation = self._encode(splits.validation) if splits.validation else None
        self.chosen_by = task.chosen_by(splits)
        self.step, self.seconds = 0, 0.0
        self.losses: list[float] = []  # since the last line of the log
        self.epochs: list[dict[str, float]] = []  # what the validation part said after each epoch

    def begin(self, resume: bool) -> None:
        """Start at step 0, or go on from the newest checkpoint."""
        newest = self.folder.starting_point(resume)
        self.processes.wait(self.device)  # all have looked for checkpoints before one is written
        if newest is not None:
            self._restore(newest)
        elif self.processes.first:
            self._save()  # from here on there is always something to go back to

    def go(self, stop: StopRequest) -> None:
        """Take the steps that are left; raise KeyboardInterrupt, with all saved, where a stop is asked for."""
        saved = time.monotonic()
        began = saved - self.seconds  # of earlier sessions
        bar: dict[str, Any] = {} if self.processes.first else {"disable": True}
        with tqdm(
            total=self.learning.steps, initial=self.step, desc="fine-tuning", unit="step", **bar
        ) as progress:
            for epoch, rows in islice(self.learning.plan(), self.step, None):
                if self._is_done():
                    break
                # Dropout follows from (seed, step, process): a run that goes on meets the same random numbers.
                seed = random_bits(self.settings.seed, DROPOUT, self.step, self.processes.rank)[0]
                torch.manual_seed(int(seed >> 1))
                loss = self.learning.take_step(epoch, rows)
                self.step += 1
                self._log_loss(epoch, loss)
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
                progress.update()
                if self.step % self.learning.steps_per_epoch == 0:
                    self._end_epoch(epoch)
                self.seconds = time.monotonic() - began
                (stopped,) = self.processes.sum([float(stop.asked)], self.device)
                due = time.monotonic() - saved > 60 * self.settings.checkpoint_minutes
                if self.processes.first and (stopped or due):
                    self._save()
                    saved = time.monotonic()
                if stopped:
                    self.processes.wait(self.device)  # all is saved
                    raise KeyboardInterrupt

    def finish(self) -> dict[str, Any]:
        """Measure the best epoch's model on the test part, write the record and return it."""
        best = self._best_epoch()
        record: dict[str, Any] = {
            "task": self.task.name,
            "task_options": dataclasses.asdict(self.task),
            "model": self.model_name,
            "settings": self.settings.to_dict() | {"max_length": self.max_length},
            "examples": {part: len(getattr(self.splits, part)) for part in ("train", "validation", "test")},
            "processes": self.processes.count,
            "steps": self.step,
            "seconds": round(self.seconds, 1),
            "epochs": self.epochs,
            "best_epoch": best,
            "validation": self.epochs[best - 1] if self.epochs else None,
        }
        if self.splits.test:
            self.processes.wait(self.device)  # the best model is written
            self.model = type(self.model).from_pretrained(self.folder.model).to(self.device)
            record["test"] = self._measure(self._encode(self.splits.test), self.splits.test)
        if self.processes.first:
            with atomic_write(self.folder.record, "w") as file:
                file.write(json.dumps(record, indent=2) + "\n")
            shutil.rmtree(
                self.folder.checkpoints
            )  # three times the model's size, and nothing is left to go on with
        return record

    def _end_epoch(self, epoch: int) -> None:
        """Measure, log, and keep the model if it is the best so far."""
        if self.validation is not None:
            self.epochs.append(self._measure(self.validation, self.splits.validation))
        if not self.processes.first:
            return
        if self.validation is not None:
            self.folder.log.add(step=self.step, epoch=epoch + 1, validation=self.epochs[-1])
        if self.validation is None or self._best_epoch() == epoch + 1:
            self.model.save_pretrained(self.folder.model)
            self.tokenizer.save_pretrained(self.folder.model)

    def _best_epoch(self) -> int:
        """Return the number of the best epoch, from 1; of equals the first."""
        if not self.epochs:
            return self.step // self.learning.steps_per_epoch
        sign = -1 if self.chosen_by.startswith("-") else 1
        scores = [sign * measured[self.chosen_by.lstrip("-")] for measured in self.epochs]
        return scores.index(max(scores)) + 1

    def _is_done(self) -> bool:
        """Say whether the last epochs brought nothing better, as many as `patience` says."""
        patience = self.settings.patience
        return (
            patience is not None and len(self.epochs) - self._best_epoch() >= patience and bool(self.epochs)
        )

    def _log_loss(self, epoch: int, loss: float) -> None:
        self.losses.append(loss)
        if self.step % self.settings.log_every and self.step < self.learning.steps:
            return
        if self.processes.first:
            rate = self.learning.schedule.get_last_lr()[-1]
            mean = sum(self.losses) / len(self.losses)
            self.folder.log.add(step=self.step, epoch=epoch + 1, loss=mean, learning_rate=rate)
        self.losses = []

    def _measure(self, encoded: Any, examples: list) -> dict[str, float]:
        settings = self.settings
        results = read_rows(
            self.model, encoded, self.task.read, settings.evaluation_batch_size, settings.precision, self.processes
        )  # fmt: skip
        return self.task.metrics(results, encoded, examples, self.model.config)

    def _encode(self, examples: list) -> Any:
        return self.task.encode(examples, self.tokenizer, self.max_length, self.model.config)

    def _identity(self) -> dict[str, Any]:
        """All that must not change when a run goes on."""
        kept = {name: value for name, value in self.settings.to_dict().items() if name not in FREE_TO_CHANGE}
        text = hashlib.sha256(repr(self.splits).encode("utf-8", "surrogatepass")).hexdigest()
        return {**kept, "task": repr(self.task), "model": self.model_name, "data": text,
                "processes": self.processes.count}  # fmt: skip

    def _save(self) -> None:
        state = {"step": self.step, "seconds": self.seconds, "losses": self.losses, "epochs": self.epochs}
        learning = self.learning.state_dict()
        save_state(self.folder.checkpoints, self.step, {"identity": self._identity(), **state, **learning})

    def _restore(self, path: Path) -> None:
        state = load_state(path, self.device)
        check_same_run(path, state["identity"], self._identity())
        self.learning.load_state_dict(state)
        self.step, self.seconds = state["step"], state["seconds"]
        self.losses, self.epochs = state["losses"], state["epochs"]
        if self.processes.first:
            self.folder.log.rewind(self.step)


# The model that fine-tuning starts from: a trained encoder with a head of the right size.


def starting_model(
    task: Task, splits: Splits, name_or_path: str | os.PathLike, settings: FinetuneSettings
) -> PretrainedModel:
    """Return the model in `name_or_path` with a head for the labels of `splits`.

    A new head, or with `from_scratch` the whole model, starts from random numbers that follow from the seed.
    Raises ValueError where the model has a trained head for other labels.
    """
    folder = resolve_folder(name_or_path, "weights")
    fields = task.config_fields(splits) | settings.config
    torch.manual_seed(settings.seed)
    if settings.from_scratch:
        return task.model_class(ConvBertConfig.from_pretrained(folder, **fields))
    if not settings.new_head:
        _check_head(task, fields, folder)
    with warnings.catch_warnings():
        # That a new head is random, and a pretraining head left out, is meant here.
        warnings.filterwarnings("ignore", message=r".* has no weights for \[")
        return task.model_class.from_pretrained(folder, **fields)


def trained_head(folder: Path) -> str:
    """Return the name of the model class whose head a folder holds; empty where it does not say."""
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return (fields.get("architectures") or [""])[0]


def _check_head(task: Task, fields: dict, folder: Path) -> None:
    if trained_head(folder) != task.model_class.__name__:
        return
    config = ConvBertConfig.from_pretrained(folder)
    wanted = len(fields.get("id2label", ())) or fields.get("num_labels", config.num_labels)
    if wanted != config.num_labels:
        raise ValueError(
            f"the model in {folder} has a trained head for {config.num_labels} labels ({names_of(config)}), but the "
            f"data has {wanted}; use data with the same labels, or replace the head (new_head=true)"
        )
