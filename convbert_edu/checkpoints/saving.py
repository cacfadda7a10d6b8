"""Writing weights in transformers' names, so that the folder opens there and here."""

import os

import torch
from safetensors.torch import save
from torch import nn

from convbert_edu.checkpoints.names import OUR_PREFIX, TRANSFORMERS_PREFIX, name_table
from convbert_edu.files import atomic_write


def to_transformers_names(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the model's weights under transformers' names and in its shapes; a tied weight appears once."""
    table = {row.ours: row.transformers for row in name_table(model.config)}
    renamed = {}
    for ours, parameter in model.named_parameters():
        inside = ours.removeprefix(OUR_PREFIX)
        theirs = table[inside]
        if inside != ours:
            theirs = TRANSFORMERS_PREFIX + theirs
        renamed[theirs] = parameter.detach().reshape(_their_shape(theirs, parameter)).contiguous()
    return renamed


def _their_shape(theirs: str, parameter: torch.Tensor) -> tuple[int, ...]:
    """Put back the axes of length one that transformers' Conv1d layers have."""
    if theirs.endswith("key_conv_attn_layer.depthwise.weight"):
        return (parameter.shape[0], 1, parameter.shape[1])
    if theirs.endswith(("key_conv_attn_layer.pointwise.weight", "key_conv_attn_layer.bias")):
        return (*parameter.shape, 1)
    return tuple(parameter.shape)


def save_weights_file(model: nn.Module, path: str | os.PathLike) -> None:
    """Write the model's weights to a safetensors file under transformers' names, all or nothing."""
    data = save(to_transformers_names(model), metadata={"format": "pt"})
    with atomic_write(path) as file:
        file.write(data)
