"""Reading weights into a model, with a report of what became of every tensor; and writing them (lesson 06).

The names in a file may be ours or transformers', with a prefix or without; nothing is read unless all fits.
"""

import html
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from convbert_edu.checkpoints.parameter_names import OUR_PREFIX, TRANSFORMERS_PREFIX, names_of
from convbert_edu.checkpoints.weight_files import StoredTensors, TensorsInMemory
from convbert_edu.files import atomic_path


@dataclass
class LoadingReport:
    """What was loaded, from where, and what was not: by our names, except `ignored`, which are names in the file.

    mapped: those loaded tensors that have another name in the file, with that name
    resized: tensors whose size in config.json was wrong or unwanted, with what was done about it
    """

    source: str
    loaded: list[str] = field(default_factory=list)
    newly_initialised: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    mapped: dict[str, str] = field(default_factory=dict)
    resized: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, int, str]]:
        """Return the lines of the table: what happened, to how many tensors, and to which, a few as examples."""
        mapped = [f"{ours} from {theirs}" for ours, theirs in self.mapped.items()]
        resized = [f"{name}: {what}" for name, what in self.resized.items()]
        return [
            ("loaded", len(self.loaded), _first(4, self.loaded)),
            ("newly initialised", len(self.newly_initialised), _first(4, self.newly_initialised)),
            ("ignored", len(self.ignored), _first(4, self.ignored)),
            ("mapped", len(mapped), _first(2, mapped)),
            ("resized", len(resized), _first(2, resized)),
        ]

    def __str__(self) -> str:
        lines = [f"{title:<18}{count:>5}  {names}".rstrip() for title, count, names in self.rows()]
        return "\n".join([f"weights from {self.source}", *lines])

    def _repr_html_(self) -> str:
        """Return the table as a notebook shows it."""
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{title}</th><td>{count}</td>"
            f"<td style='text-align:left'>{html.escape(names)}</td></tr>"
            for title, count, names in self.rows()
        )
        return (
            f"<table><caption>weights from {html.escape(self.source)}</caption>"
            f"<tr><th>what</th><th>tensors</th><th style='text-align:left'>names</th></tr>{rows}</table>"
        )


def _first(count: int, names: list[str]) -> str:
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")


# Counters that old transformers versions saved beside the weights; there is nothing in them to load.
NOT_WEIGHTS = ("embeddings.position_ids", "embeddings.token_type_ids")
FILL_MASK_HEAD = "masked_lm_head."
EMBEDDING_MATRIX = ("embeddings.word.weight", "embeddings.word_embeddings.weight")


def load_weights(
    model: nn.Module,
    weights: StoredTensors | Mapping[str, Tensor],
    source: str = "memory",
    new_head: bool = False,
    ignore_mismatched_sizes: bool = False,
) -> LoadingReport:
    """Read weights, under our names or transformers', into `model` and report what became of each.

    `weights` is an open file or a dictionary of tensors, such as a state_dict().
    A head that it lacks is left as it is, with a warning; so is one of another shape where `new_head` says that
    this is meant, and with `ignore_mismatched_sizes` every tensor of another shape.
    Nothing is read unless all fits. Parameters on device "meta" get the memory into which their tensor is read.
    Raises ValueError when encoder weights are missing or a tensor does not fit, naming the tensors.
    """
    if isinstance(weights, Mapping):
        weights = TensorsInMemory(weights)
    # A tied weight appears once, under the encoder's name.
    parameters = dict(model.named_parameters())
    in_encoder = _encoder_parameters(parameters)
    metadata = weights.metadata
    found = _match(model, metadata)
    mismatched = {ours: name for ours, name in found.items() if not _fits(metadata[name], parameters[ours])}
    replaced = {
        ours: name
        for ours, name in mismatched.items()
        if (new_head and ours not in in_encoder)
        or (ignore_mismatched_sizes and metadata[name].is_floating_point())
    }
    mismatched = {ours: name for ours, name in mismatched.items() if ours not in replaced}
    found = {ours: name for ours, name in found.items() if ours not in replaced}
    missing = [ours for ours in parameters if ours not in found]
    ignored = sorted(
        set(metadata) - set(found.values()) - {p + n for p in ("", TRANSFORMERS_PREFIX) for n in NOT_WEIGHTS}
    )
    lost = [ours for ours in missing if ours in in_encoder and ours not in replaced]
    if lost or mismatched:
        raise ValueError(_complaint(source, lost, ignored, mismatched, parameters, metadata))
    for ours, name in found.items():
        _put(model, ours, parameters[ours], weights.read(name))
    if missing:
        _warn_of_random_weights(source, missing)
    return LoadingReport(
        source,
        loaded=sorted(found),
        newly_initialised=missing,
        ignored=ignored,
        mapped={ours: found[ours] for ours in sorted(found) if found[ours] != ours},
        resized={
            ours: f"{tuple(parameters[ours].shape)}, new; the file has {tuple(metadata[name].shape)}"
            for ours, name in replaced.items()
        },
    )


def vocabulary_size(weights: StoredTensors) -> int | None:
    """Return how many rows the embedding matrix in `weights` has; None where there is none."""
    for name, tensor in weights.metadata.items():
        if (
            name.removeprefix(TRANSFORMERS_PREFIX).removeprefix(OUR_PREFIX) in EMBEDDING_MATRIX
            and tensor.dim() == 2
        ):
            return tensor.shape[0]
    return None


def _match(model: nn.Module, names: Mapping[str, Tensor]) -> dict[str, str]:
    """Map our parameter names to the name that each has in the file, if it is there."""
    ours_of = {}
    for ours, row in names_of(model).items():
        ours_of[row.ours] = ours_of[row.transformers] = ours
    found: dict[str, str] = {}
    for name in names:
        # A prefix or none makes no difference. Ours comes last: transformers' own names begin with it too.
        bare = name.removeprefix(TRANSFORMERS_PREFIX)
        ours = ours_of.get(bare) or ours_of.get(bare.removeprefix(OUR_PREFIX))
        if ours is not None:
            found.setdefault(ours, name)
    return found


def _encoder_parameters(parameters: Mapping[str, Tensor]) -> set[str]:
    """Return the names of the encoder's parameters: all of them, where the model has no head."""
    return {name for name in parameters if name.startswith(OUR_PREFIX)} or set(parameters)


def _fits(tensor: Tensor, parameter: Tensor) -> bool:
    """Say whether a tensor of a file is floating point and has the parameter's shape, but for axes of length one."""
    return tensor.is_floating_point() and _without_ones(tensor.shape) == _without_ones(parameter.shape)


def _without_ones(shape: torch.Size) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


@torch.no_grad()
def _put(model: nn.Module, name: str, parameter: nn.Parameter, tensor: Tensor) -> None:
    """Give the parameter the values of `tensor`; one without memory gets the tensor itself."""
    tensor = tensor.reshape(parameter.shape)
    if not parameter.is_meta:
        parameter.copy_(tensor)
        return
    owner, _, own_name = name.rpartition(".")
    tensor = tensor.to(torch.get_default_device(), parameter.dtype)
    setattr(model.get_submodule(owner), own_name, nn.Parameter(tensor, parameter.requires_grad))


def _warn_of_random_weights(source: str, missing: list[str]) -> None:
    message = (
        f"{source} has no weights for {missing}: they start from random numbers, so train the model before "
        "you trust what this head predicts"
    )
    if any(name.startswith(FILL_MASK_HEAD) for name in missing):
        message += (
            ". The fill-mask head is random: what it predicts for [MASK] is chance. The ConvBERTs that the "
            "authors published hold the encoder only"
        )
    # The line that called from_pretrained.
    warnings.warn(message, stacklevel=4)


def _complaint(
    source: str,
    lost: list[str],
    ignored: list[str],
    mismatched: Mapping[str, str],
    parameters: Mapping[str, Tensor],
    metadata: Mapping[str, Tensor],
) -> str:
    lines = [f"the weights in {source} do not fit the configuration; nothing was loaded."]
    for ours, name in sorted(mismatched.items()):
        tensor, parameter = metadata[name], parameters[ours]
        lines.append(f"  {name} has shape {tuple(tensor.shape)}, but {ours} needs {tuple(parameter.shape)}")
        if not tensor.is_floating_point():
            lines[-1] = f"  {name} has dtype {tensor.dtype}, but {ours} needs floating-point numbers"
    if lost:
        lines.append(f"  missing: {', '.join(lost)}")
    if ignored:
        lines.append(f"  unexpected: {', '.join(ignored)}")
    remedy = ", or start such tensors from random numbers: ignore_mismatched_sizes=True" if mismatched else ""
    lines.append(f"Use the config.json that was saved with these weights{remedy}.")
    return "\n".join(lines)


def to_transformers_names(model: nn.Module) -> dict[str, Tensor]:
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
