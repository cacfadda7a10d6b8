"""Fine-tuning runs: a model with a head, trained for a task, measured after each epoch (lessons 09 to 13).

`starting_model` makes the model: a trained encoder with a head of the right size.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.config import CONFIG_FILE, ConvBertConfig, read_json_object
from convbert_edu.data.batching import EncodedRows
from convbert_edu.data.examples import Splits
from convbert_edu.device import find_device
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks.base import Task, names_of
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.distributed import DistributedContext
from convbert_edu.training.predict import predict
from convbert_edu.training.random_numbers import Stream
from convbert_edu.training.run import Run, run_in_folder
from convbert_edu.training.run_checkpoint import check_same_run
from convbert_edu.training.run_folder import RunFolder
from convbert_edu.training.settings import FREE_TO_CHANGE
from convbert_edu.training.trainer import SupervisedTrainer


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
    epoch is chosen on the validation split (the last one, where there is none); the test split is measured once, at
    the end. With `resume` a run that was killed or stopped goes on from its newest checkpoint; of a complete one the
    record is returned.
    Raises ValueError for data and settings that do not fit the model or the run to resume, and what `run_in_folder`
    raises.
    """
    settings = settings or FinetuneSettings()
    _check_options(task, settings)
    device = device or find_device()
    folder = RunFolder(output_folder)
    if resume and folder.record.exists():
        record = json.loads(folder.record.read_text(encoding="utf-8"))
        _check_complete(folder.record, record, task, splits, str(model), settings)
        return record

    def make_run(folder: RunFolder, distributed: DistributedContext) -> FinetuningRun:
        return FinetuningRun(task, splits, model, folder, settings, device, distributed)

    return run_in_folder(make_run, output_folder, resume, settings.threads, device)


def _check_options(task: Task, settings: FinetuneSettings) -> None:
    """Raise ValueError where the settings name options that the task does not have: the task's would be taken."""
    options = dataclasses.asdict(task)
    unheeded = {
        name: value for name, value in settings.task_options.items() if options.get(name, ...) != value
    }
    if unheeded:
        raise ValueError(
            f"task_options is {settings.task_options}, but the task has {options}; give the task the same options: "
            f"make_task({task.name!r}, settings.task_options)"
        )


def _check_complete(
    path: Path, record: dict[str, Any], task: Task, splits: Splits, model: str, settings: FinetuneSettings
) -> None:
    """Raise ValueError where a complete run is not the one that is asked for, as far as its record tells."""
    asked = settings.to_dict()
    # What is left open now stands in the record as the model settled it.
    free = FREE_TO_CHANGE | {name for name, value in asked.items() if value is None}
    before, now = (
        {name: value for name, value in each.items() if name not in free}
        for each in (record["settings"], asked)
    )
    before |= {name: record[name] for name in ("task", "task_options", "model", "examples")}
    # Options that were left open are settled by the data, as they were when the run began.
    options = dataclasses.asdict(task.fitted_to(splits))
    now |= {"task": task.name, "task_options": options, "model": model, "examples": _sizes(splits)}
    check_same_run(path, before, now)


def _sizes(splits: Splits) -> dict[str, int]:
    return {name: len(getattr(splits, name)) for name in ("train", "validation", "test")}


class FinetuningRun(Run):
    """A fine-tuning run: measurements after each epoch, and the best epoch's model kept."""

    title = "fine-tuning"
    dropout_stream = Stream.FINETUNING_DROPOUT
    free_to_change = FREE_TO_CHANGE

    def __init__(
        self,
        task: Task,
        splits: Splits,
        model_name: str | os.PathLike,
        folder: RunFolder,
        settings: FinetuneSettings,
        device: torch.device,
        distributed: DistributedContext,
    ) -> None:
        if not splits.train:
            raise ValueError("the training split is empty; give at least one example to learn from")
        self.task, self.splits, self.model_name = task.fitted_to(splits), splits, str(model_name)
        self.tokenizer = ConvBertTokenizer.from_pretrained(model_name)
        self.model = starting_model(self.task, splits, model_name, settings).to(device)
        self.max_length = settings.row_length(self.task, self.model.config)
        # They go where the model goes, onto the hub as well.
        options = {"max_length": self.max_length} | dataclasses.asdict(self.task)
        self.model.config.task_specific_params = {self.task.name: options}
        # How many examples of each split lost a part, where any did: for the record.
        self.cut: dict[str, int] = {}
        rows = self.task.for_training(self._encode("train"))
        trainer = SupervisedTrainer(self.model, rows, settings, distributed)
        super().__init__(folder, settings, trainer, trainer.steps, distributed)
        self.validation = self._encode("validation") if splits.validation else None
        self.metric_for_best_model = self.task.metric_for_best_model(splits)
        # The losses since the last line of the log, and what the validation split gave after each epoch.
        self.losses: list[float] = []
        self.epochs: list[dict[str, float]] = []

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """Yield (epoch, rows) for each step that is left."""
        yield from islice(self.trainer.batches(), self.global_step, None)

    def training_step(self, batch: tuple[int, list[int]]) -> str:
        """Take one step and return what the progress bar shows of it."""
        self.losses.append(self.trainer.training_step(*batch))
        return f"loss={self.losses[-1]:.3f}"

    def after_step(self) -> None:
        """Log the loss, and measure at the end of an epoch."""
        epoch = -(-self.global_step // self.trainer.steps_per_epoch)
        if self.global_step % self.settings.log_every == 0 or self.global_step == self.last_step:
            if self.distributed.is_main_process:
                rate = self.trainer.schedule.get_last_lr()[-1]
                mean = sum(self.losses) / len(self.losses)
                self.folder.log.add(step=self.global_step, epoch=epoch, loss=mean, learning_rate=rate)
            self.losses = []
        if self.global_step % self.trainer.steps_per_epoch == 0:
            self._end_epoch(epoch)

    def should_stop_early(self) -> bool:
        """Say whether the last epochs brought nothing better, as many as `patience` says."""
        patience = self.settings.patience
        return bool(patience and self.epochs) and len(self.epochs) - self._best_epoch() >= patience

    def finish(self) -> dict[str, Any]:
        """Measure the best epoch's model on the test split, write the record and return it."""
        best = self._best_epoch()
        record: dict[str, Any] = {
            "task": self.task.name,
            "task_options": dataclasses.asdict(self.task),
            "model": self.model_name,
            "settings": self.settings.to_dict() | {"max_length": self.max_length},
            "examples": _sizes(self.splits),
            "cut": self.cut,
            "processes": self.distributed.world_size,
            "steps": self.global_step,
            "seconds": round(self.seconds, 1),
            "epochs": self.epochs,
            "best_epoch": best,
            "validation": self.epochs[best - 1] if self.epochs else None,
        }
        if self.splits.test:
            # The best model is written by now.
            self.distributed.barrier(self.device)
            self.model = type(self.model).from_pretrained(self.folder.model).to(self.device)
            record["test"] = self._measure(self._encode("test"), self.splits.test)
        if self.distributed.is_main_process:
            self.write_record(record)
            # Three times the model's size, and nothing is left to go on with.
            shutil.rmtree(self.folder.checkpoints)
        return record

    def identity(self) -> dict[str, Any]:
        """Return task, model and the fingerprint of the data."""
        data = hashlib.sha256(repr(self.splits).encode("utf-8", "surrogatepass")).hexdigest()
        return {"task": repr(self.task), "model": self.model_name, "data": data}

    def progress_state(self) -> dict[str, Any]:
        """Return the losses since the last line of the log, and all measurements."""
        return {"losses": self.losses, "epochs": self.epochs}

    def load_progress_state(self, state: dict[str, Any]) -> None:
        """Put back what `progress_state` returned."""
        self.losses, self.epochs = state["losses"], state["epochs"]

    def _end_epoch(self, epoch: int) -> None:
        """Measure, log, and keep the model if it is the best so far."""
        if self.validation is not None:
            self.epochs.append(self._measure(self.validation, self.splits.validation))
        if not self.distributed.is_main_process:
            return
        if self.validation is not None:
            self.folder.log.add(step=self.global_step, epoch=epoch, validation=self.epochs[-1])
        if self.validation is None or self._best_epoch() == epoch:
            self.model.save_pretrained(self.folder.model)
            self.tokenizer.save_pretrained(self.folder.model)

    def _best_epoch(self) -> int:
        """Return the number of the best epoch, from 1; of equals the first."""
        if not self.epochs:
            return self.global_step // self.trainer.steps_per_epoch
        sign = -1 if self.metric_for_best_model.startswith("-") else 1
        values = [sign * measured[self.metric_for_best_model.lstrip("-")] for measured in self.epochs]
        return values.index(max(values)) + 1

    def _measure(self, encoded: Any, examples: list) -> dict[str, float]:
        settings = self.settings
        results = predict(
            self.model, encoded, self.task.postprocess, settings.evaluation_batch_size, settings.precision,
            self.distributed,
        )  # fmt: skip
        return self.task.metrics(results, encoded, examples, self.model.config)

    def _encode(self, split: str) -> EncodedRows:
        examples = getattr(self.splits, split)
        rows = self.task.encode(examples, self.tokenizer, self.max_length, self.model.config)
        if rows.cut:
            self.cut[split] = rows.cut
        return rows


def starting_model(
    task: Task, splits: Splits, name_or_path: str | os.PathLike, settings: FinetuneSettings
) -> PretrainedModel:
    """Return the model in `name_or_path` with a head for the labels of `splits`.

    A new head, or with `from_scratch` the whole model, is initialised at random, as follows from the seed.
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
    """Return the name of the model class whose head a folder holds; empty where it does not say.

    Raises FileNotFoundError without a config.json, ValueError where that is damaged.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a model folder holds {CONFIG_FILE} beside its weights")
    return (read_json_object(path).get("architectures") or [""])[0]


def _check_head(task: Task, fields: dict, folder: Path) -> None:
    """Raise ValueError where the folder holds the task's head, trained for other labels.

    That is another number of them, or the same names in another order. Names may be others, for labels are renamed.
    """
    if trained_head(folder) != task.model_class.__name__:
        return
    config = ConvBertConfig.from_pretrained(folder)
    wanted = len(fields.get("id2label", ())) or fields.get("num_labels", config.num_labels)
    if wanted != config.num_labels:
        raise ValueError(
            f"the model in {folder} has a trained head for {config.num_labels} labels ({names_of(config)}), but the "
            f"data has {wanted}; use data with the same labels, or replace the head (new_head=true)"
        )
    ours, theirs = list(fields.get("id2label", {}).values()), list(config.id2label.values())
    if ours != theirs and sorted(ours) == sorted(theirs):
        raise ValueError(
            f"the model in {folder} has a trained head for the labels {names_of(config)}, and the data has them in the "
            f"order {', '.join(ours)}: what the head learned for one would count for another. Give the data the "
            "model's order (label_names, --read 'label_names=[...]'), or replace the head (new_head=true)"
        )
