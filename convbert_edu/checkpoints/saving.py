"""Writing weights under transformers' names, so that the folder opens there and here (lesson 06)."""

import os

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from convbert_edu.checkpoints.parameter_names import OUR_PREFIX, TRANSFORMERS_PREFIX, names_of
from convbert_edu.files import atomic_path


def to_transformers_names(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the model's weights under transformers' names and in its shapes; a tied weight appears once."""
    names, renamed = names_of(model), {}
    for ours, parameter in model.named_parameters():
        row = names[ours]
        theirs = (TRANSFORMERS_PREFIX if ours.startswith(OUR_PREFIX) else "") + row.transformers
        weights = parameter.detach()
        if row.transformers_axis is not None:
            weights = weights.unsqueeze(row.transformers_axis)
        renamed[theirs] = weights.contiguous()
    return renamed


def save_weights_file(model: nn.Module, path: str | os.PathLike) -> None:
    """Write the model's weights to a safetensors file under transformers' names, all or nothing.

    They go to the file straight from where they are: no second copy of the model is made in memory.
    Raises OSError where there is no room, or no right to write.
    """
    with atomic_path(path) as part:
        try:
            save_file(to_transformers_names(model), part, metadata={"format": "pt"})
        except SafetensorError as error:
            raise OSError(f"{path} could not be written: {error}") from error
