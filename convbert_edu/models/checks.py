"""Checks of the inputs and labels of a model, made before anything is computed, with errors that say what to do.

Reading values makes the CPU wait for the GPU, so each check reads them once; where `has_readable_values` says no,
only shapes are checked.
"""

import torch
from torch import Tensor

from convbert_edu.config import ConvBertConfig

# Labels with this value take no part in the loss, as everywhere in PyTorch.
IGNORE_INDEX = -100
INTEGER_TYPES = (torch.long, torch.int)


def check_inputs(
    config: ConvBertConfig,
    input_ids: Tensor | None,
    attention_mask: Tensor | None,
    token_type_ids: Tensor | None,
    position_ids: Tensor | None,
    inputs_embeds: Tensor | None,
) -> None:
    """Raise ValueError or TypeError for inputs that no ConvBERT of this configuration can take."""
    if (input_ids is None) == (inputs_embeds is None):
        got = "neither" if input_ids is None else "both"
        raise ValueError(f"got {got} of input_ids and inputs_embeds; give exactly one of them")
    if input_ids is not None:
        check_ids("input_ids", input_ids, config.vocab_size, "vocab_size")
        shape = tuple(input_ids.shape)
    else:
        _check_float("inputs_embeds", inputs_embeds)
        shape = tuple(inputs_embeds.shape[:-1])
        if inputs_embeds.dim() != 3 or inputs_embeds.shape[-1] != config.embedding_size:
            raise ValueError(
                f"inputs_embeds has shape {tuple(inputs_embeds.shape)}; it must be "
                f"[batch, seq, embedding_size = {config.embedding_size}]"
            )
    if len(shape) != 2 or 0 in shape:
        name = "input_ids" if input_ids is not None else "inputs_embeds"
        raise ValueError(
            f"{name} has shape {shape}; it must be [batch, seq] with at least one row and one token "
            "(for a single sentence add a batch axis: x.unsqueeze(0))"
        )
    if position_ids is None and shape[1] > config.max_position_embeddings:
        raise ValueError(
            f"the sequence has {shape[1]} tokens but max_position_embeddings is {config.max_position_embeddings}; "
            "shorten it (truncation=True, max_length=...) or split it into windows (stride=...)"
        )
    if attention_mask is not None:
        meaning = "one value per token: 1 for a real token, 0 for padding"
        _check_shape("attention_mask", attention_mask, [shape], meaning)
    if token_type_ids is not None:
        _check_shape("token_type_ids", token_type_ids, [shape])
        check_ids("token_type_ids", token_type_ids, config.type_vocab_size, "type_vocab_size")
    if position_ids is not None:
        _check_shape("position_ids", position_ids, [shape, (1, shape[1])])
        check_ids("position_ids", position_ids, config.max_position_embeddings, "max_position_embeddings")


def has_readable_values(tensor: Tensor) -> bool:
    """Say whether the values in a tensor can be read.

    On the meta device there are none. Inside torch.compile and torch.export values must not decide what is computed,
    or the model falls into several graphs.
    """
    return not (tensor.is_meta or torch.compiler.is_compiling())


def check_tensor(name: str, value: Tensor) -> None:
    """Raise TypeError for a list, an array or anything else that is no tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} is a {type(value).__name__}; it must be a tensor (the tokenizer makes tensors with "
            'return_tensors="pt", torch.tensor makes them from lists)'
        )


def check_ids(name: str, ids: Tensor, limit: int, limit_name: str, ignore: int | None = None) -> None:
    """Raise unless every value in `ids` is an integer from 0 to `limit` - 1 (or `ignore`)."""
    check_tensor(name, ids)
    if ids.dtype not in INTEGER_TYPES:
        raise TypeError(
            f"{name} has dtype {ids.dtype}; it must be torch.long (call .long() if the numbers are whole)"
        )
    if not has_readable_values(ids) or ids.numel() == 0:
        return
    allowed = ids if ignore is None else ids.masked_fill(ids == ignore, 0)
    lowest, highest = torch.stack(allowed.aminmax()).tolist()
    if lowest < 0 or highest >= limit:
        but = "" if ignore is None else f", or {ignore} for 'leave it out'"
        raise ValueError(
            f"{name} holds {lowest if lowest < 0 else highest}; with {limit_name} = {limit} the numbers must be "
            f"0 to {limit - 1}{but}"
        )


def check_labels(labels: Tensor, shape: tuple[int, ...], num_labels: int, ignore: int | None = None) -> None:
    """Raise unless `labels` are label ids of this shape, 0 to `num_labels` - 1 (or `ignore`)."""
    _check_shape("labels", labels, [shape])
    check_ids("labels", labels, num_labels, "number of labels", ignore)


def check_targets(labels: Tensor, shape: tuple[int, ...], problem_type: str) -> None:
    """Raise unless `labels` are floating-point numbers of this shape (regression, multi-label)."""
    _check_shape("labels", labels, [shape])
    _check_float("labels", labels, f" for problem_type {problem_type!r}")


def check_positions(name: str, positions: Tensor, batch: int) -> None:
    """Raise unless `positions` are one whole number, at least 0, for each row of the batch."""
    _check_shape(name, positions, [(batch,)])
    if positions.dtype not in INTEGER_TYPES:
        raise TypeError(f"{name} has dtype {positions.dtype}; it must be torch.long: positions of tokens")
    if has_readable_values(positions) and int(positions.min()) < 0:
        raise ValueError(
            f"{name} holds {int(positions.min())}; positions count from 0, and one past the end of the sequence "
            "means that the answer was cut off"
        )


def check_choices(
    input_ids: Tensor | None, inputs_embeds: Tensor | None, **others: Tensor | None
) -> tuple[int, int]:
    """Return (batch, choices) of a multiple-choice input; raise unless all tensors have these axes and a sequence."""
    name, given, axes = "input_ids", input_ids, ["batch", "choices", "seq"]
    if input_ids is None:
        name, given, axes = "inputs_embeds", inputs_embeds, [*axes, "embedding_size"]
    if given is None:
        raise ValueError("got neither of input_ids and inputs_embeds; give exactly one of them")
    check_tensor(name, given)
    if given.dim() != len(axes) or 0 in given.shape:
        raise ValueError(
            f"{name} has shape {tuple(given.shape)}; multiple choice reads [{', '.join(axes)}], "
            "none of them empty (x.unsqueeze(0) adds a batch axis)"
        )
    for other, tensor in others.items():
        if tensor is not None:
            _check_shape(other, tensor, [tuple(given.shape[:3])])
    return given.shape[0], given.shape[1]


def _check_shape(
    name: str, tensor: Tensor, allowed: list[tuple[int, ...]], meaning: str = "to go with the inputs"
) -> None:
    check_tensor(name, tensor)
    if tuple(tensor.shape) not in allowed:
        rule = " or ".join(map(str, allowed))
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; it must be {rule}, {meaning}")


def _check_float(name: str, tensor: Tensor, purpose: str = "") -> None:
    check_tensor(name, tensor)
    if not tensor.is_floating_point():
        raise TypeError(
            f"{name} has dtype {tensor.dtype}; it must be floating point{purpose} (call .float())"
        )
