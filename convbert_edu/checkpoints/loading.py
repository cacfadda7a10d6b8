"""Reading weights into a model: from our names or transformers', every tensor accounted for."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from convbert_edu.checkpoints.names import OUR_PREFIX, TRANSFORMERS_PREFIX, name_table

WEIGHTS_FILE = "model.safetensors"
# Counters that old transformers versions saved beside the weights; there is nothing in them to load.
NOT_WEIGHTS = ("embeddings.position_ids", "embeddings.token_type_ids")


@dataclass
class LoadingReport:
    """What became of every tensor: by our names, except `ignored`, which are names in the file."""

    source: str
    loaded: list[str] = field(default_factory=list)
    newly_initialised: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def line(title: str, names: list[str]) -> str:
            return f"{title:<18}{len(names):>5}  {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"

        rows = [line("loaded", self.loaded), line("newly initialised", self.newly_initialised)]
        return "\n".join([f"weights from {self.source}", *rows, line("ignored", self.ignored)])


@contextmanager
def open_weights(path: str | os.PathLike) -> Iterator[safe_open]:
    """Open a safetensors file for reading tensor by tensor.

    Raises FileNotFoundError where it is missing and ValueError where it is damaged, naming the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a model folder holds its weights in {WEIGHTS_FILE}")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a whole safetensors file ({error}): it is damaged or cut short; "
            "copy or download it again"
        ) from error


def load_weights_file(model: nn.Module, path: str | os.PathLike, new_head: bool = False) -> LoadingReport:
    """Load the safetensors file `path`, with our names or transformers', into `model`. See `load_weights`."""
    with open_weights(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    return load_weights(model, tensors, source=str(path), new_head=new_head)


def load_weights(
    model: nn.Module, tensors: Mapping[str, Tensor], source: str = "memory", new_head: bool = False
) -> LoadingReport:
    """Copy `tensors`, under our names or transformers', into `model` and report what became of each.

    A head that the file lacks starts from random numbers, with a warning; so does one of another shape where
    `new_head` says that this is meant. Nothing is copied unless all fits.
    Raises ValueError when encoder weights are missing or a tensor does not fit, naming the tensors.
    """
    parameters = dict(model.named_parameters())  # a tied weight appears once, under the encoder's name
    in_encoder = _encoder_parameters(parameters)
    found = _find(model, parameters, tensors)
    misfits = {ours: name for ours, name in found.items() if not _fits(tensors[name], parameters[ours])}
    if new_head:
        old_head = misfits.keys() - in_encoder
        found = {ours: name for ours, name in found.items() if ours not in old_head}
        misfits = {ours: name for ours, name in misfits.items() if ours not in old_head}
    missing = [ours for ours in parameters if ours not in found]
    ignored = sorted(
        set(tensors) - set(found.values()) - {p + n for p in ("", TRANSFORMERS_PREFIX) for n in NOT_WEIGHTS}
    )
    lost = [ours for ours in missing if ours in in_encoder]
    if lost or misfits:
        raise ValueError(_complaint(source, lost, ignored, misfits, parameters, tensors))
    with torch.no_grad():
        for ours, name in found.items():
            parameters[ours].copy_(tensors[name].reshape(parameters[ours].shape))
    if missing:
        warnings.warn(
            f"{source} has no weights for {missing}: they start from random numbers, so train the model before "
            "you trust what this head says",
            stacklevel=4,  # the line that called from_pretrained
        )
    return LoadingReport(source, loaded=sorted(found), newly_initialised=missing, ignored=ignored)


def _find(
    model: nn.Module, parameters: Mapping[str, Tensor], tensors: Mapping[str, Tensor]
) -> dict[str, str]:
    """Map our parameter names to the name under which `tensors` has each, if it does."""
    candidates: dict[str, list[str]] = {}
    for row in name_table(model.config):
        if row.ours in parameters:
            candidates[row.ours] = [row.ours, row.transformers, TRANSFORMERS_PREFIX + row.transformers]
        if OUR_PREFIX + row.ours in parameters:
            ours = OUR_PREFIX + row.ours
            candidates[ours] = [ours, row.ours, TRANSFORMERS_PREFIX + row.transformers, row.transformers]
        elif row.ours in parameters:
            candidates[row.ours].append(OUR_PREFIX + row.ours)
    return {
        ours: next(name for name in names if name in tensors)
        for ours, names in candidates.items()
        if any(name in tensors for name in names)
    }


def _encoder_parameters(parameters: Mapping[str, Tensor]) -> set[str]:
    """Return the names of the encoder's parameters: all of them, where the model has no head."""
    return {name for name in parameters if name.startswith(OUR_PREFIX)} or set(parameters)


def _fits(tensor: Tensor, parameter: Tensor) -> bool:
    """Say whether a tensor of a file holds real numbers in the parameter's shape, give or take axes of length one."""
    return tensor.is_floating_point() and _without_ones(tensor.shape) == _without_ones(parameter.shape)


def _without_ones(shape: torch.Size) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _complaint(
    source: str,
    lost: list[str],
    ignored: list[str],
    misfits: Mapping[str, str],
    parameters: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
) -> str:
    lines = [f"the weights in {source} do not fit the configuration; nothing was loaded."]
    for ours, name in sorted(misfits.items()):
        tensor, parameter = tensors[name], parameters[ours]
        lines.append(f"  {name} has shape {tuple(tensor.shape)}, but {ours} needs {tuple(parameter.shape)}")
        if not tensor.is_floating_point():
            lines[-1] = f"  {name} has dtype {tensor.dtype}, but {ours} needs floating-point numbers"
    if lost:
        lines.append(f"  missing: {', '.join(lost)}")
    if ignored:
        lines.append(f"  unexpected: {', '.join(ignored)}")
    lines.append("Use the config.json that was saved with these weights.")
    return "\n".join(lines)
