"""The model that fine-tuning starts from: a trained encoder with a head of the right size."""

import json
import os
import warnings
from pathlib import Path

import torch

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.config import ConvBertConfig
from convbert_edu.data.examples import Splits
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tasks.base import Task, names_of
from convbert_edu.training.finetune_settings import FinetuneSettings


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
