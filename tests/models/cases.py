"""Every model with inputs and labels that suit it, for tests that go through all of them."""

from typing import Any

import torch
from torch import Tensor

import convbert_edu
from convbert_edu import (
    ConvBertForMultipleChoice,
    ConvBertForQuestionAnswering,
    ConvBertForSequenceClassification,
    ConvBertModel,
)
from convbert_edu.models.base import PretrainedModel
from helpers import randomise, tiny_config

BATCH, CHOICES, SEQ = 2, 3, 7
# All that the package exports: a new head is tested with the others, once it stands in convbert_edu/__init__.py.
HEADS = tuple(getattr(convbert_edu, name) for name in convbert_edu.__all__ if name.startswith("ConvBertFor"))
EVERY_MODEL = (ConvBertModel, *HEADS)


def build(model: type[PretrainedModel], **changes: Any) -> PretrainedModel:
    """A small model in eval mode with weights far from their start."""
    built = model(tiny_config(**changes)).eval()
    randomise(built)
    return built


def inputs_for(model: type[PretrainedModel]) -> dict[str, Tensor]:
    """Token ids and a mask with padding, with an axis of choices where the model reads one."""
    torch.manual_seed(1)
    shape = (BATCH, CHOICES, SEQ) if model is ConvBertForMultipleChoice else (BATCH, SEQ)
    mask = torch.ones(shape).long()
    mask[0, ..., 5:] = 0
    return {"input_ids": torch.randint(99, shape), "attention_mask": mask}


def inputs_of_size(model: type[PretrainedModel], batch: int, seq: int, choices: int = 4) -> dict[str, Tensor]:
    """Random inputs of a size; the last text ends in padding, and its second half is a second segment."""
    shape = (batch, choices, seq) if model is ConvBertForMultipleChoice else (batch, seq)
    mask, types = torch.ones(shape).long(), torch.zeros(shape).long()
    mask[-1, ..., seq // 2 + 1 :] = 0
    types[-1, ..., seq // 2 :] = 1
    return {"input_ids": torch.randint(99, shape), "attention_mask": mask, "token_type_ids": types}


def labels_for(model: type[PretrainedModel]) -> dict[str, Tensor]:
    """What the model's loss needs; nothing for the bare encoder."""
    if model is ConvBertModel:
        return {}
    if model is ConvBertForQuestionAnswering:
        return {"start_positions": torch.tensor([1, 0]), "end_positions": torch.tensor([4, 6])}
    if model in (ConvBertForMultipleChoice, ConvBertForSequenceClassification):
        return {"labels": torch.tensor([1, 0])}
    labels = torch.randint(2, (BATCH, SEQ))
    labels[0, 5:] = -100
    return {"labels": labels}
