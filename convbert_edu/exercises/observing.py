"""What an answer to an exercise does: it is called, and what comes back is compared with the solution's.

A class of lessons 01 to 06 gets the solution's parameters first, whatever they are called in it, so that equal classes
give equal numbers. Nothing here raises for a wrong answer: an error of the answer is something observed, too.
"""

import copy
import functools
import itertools
import math
import numbers
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise

# Wider than rounding in another order of adding, and narrower than any mistake.
RELATIVE, ABSOLUTE = 1e-3, 1e-4
# How many ways are tried to pair the parameters of two classes whose names differ.
PAIRINGS = 24
# What is compared only where both answers show it: one that drops by itself does not.
WHERE_DROPOUT_ACTS = "output in training where dropout leaves a mark"

Observation = dict[str, Any]


class Raised:
    """An error that an answer raised: its kind and message, and the answer's own line where it happened."""

    def __init__(self, error: BaseException) -> None:
        self.kind, self.message = type(error).__name__, str(error)
        # The deepest line that is in no installed package: that of the answer.
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if "site-packages" not in frame.filename and frame.filename != __file__
        ]
        self.line = frames[-1].line if frames else ""
        # As in a cell in which nothing has been written yet; PyTorch's errors of this kind have a message.
        self.is_empty_answer = self.kind == "NotImplementedError" and not self.message

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Raised) or self.kind != other.kind:
            return False
        # An answer that raises by itself has a message of its own.
        return self.message == other.message or all(each.line.startswith("raise ") for each in (self, other))

    __hash__ = None


def observe(exercise: Exercise, answer: Any, case: Case, seed: int, way: int = 0) -> Observation | None:
    """Return what an answer does in one case, its errors included; None where `way` is one too many.

    way: which way of giving the solution's parameters to the answer. There is only one for a function, and for a class
    whose parameters have the lesson's names.
    """
    torch.manual_seed(seed)
    try:
        if exercise.observe is None and exercise.builds_a_class:
            return _observe_class(exercise, answer, case, seed, way)
        if way:
            return None
        look = exercise.observe or _observe_function
        return look(answer, *copy.deepcopy((*case.build, *case.inputs)))
    except (Exception, SystemExit) as error:
        return None if way else {"error": Raised(error)}


def _observe_function(answer: Callable, *inputs: Any) -> Observation:
    kept = copy.deepcopy(inputs)
    result = answer(*inputs)
    return {"result": _detached(result), "inputs left as they were": same(inputs, kept)}


def _observe_class(exercise: Exercise, answer: Any, case: Case, seed: int, way: int) -> Observation | None:
    """Return what an object of a class does with the solution's parameters; None where there is no such way."""
    wanted = _solution_parameters(exercise, case, seed)
    torch.manual_seed(seed)
    model = answer(*copy.deepcopy(case.build))
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"{type(model).__name__} is no torch.nn.Module; write class {exercise.name}(nn.Module)"
        )
    pairing = next(itertools.islice(pairings(wanted, model), way, None), None)
    if pairing is None:
        return None if way else {"parameters": shapes(dict(model.named_parameters()))}
    adopt(model, wanted, pairing)
    # The shapes are the same now, up to how a matrix is stored.
    return {"parameters": shapes(wanted), **_run(model.eval(), case, wanted, pairing, seed)}


@functools.lru_cache(maxsize=64)
def _solution_parameters(exercise: Exercise, case: Case, seed: int) -> dict[str, Tensor]:
    return parameters_of(exercise.solution(*copy.deepcopy(case.build)), seed)


def _run(
    model: nn.Module, case: Case, wanted: dict[str, Tensor], pairing: dict[str, list[str]], seed: int
) -> Observation:
    """Call a model as in evaluation, follow the gradients back, and call it twice as in training."""
    given = [each.clone() if isinstance(each, Tensor) else each for each in copy.deepcopy(case.inputs)]
    for each in given:
        if isinstance(each, Tensor) and each.is_floating_point() and each.dim() > 2:
            each.requires_grad_()
    leaves = [each for each in given if isinstance(each, Tensor) and each.requires_grad]
    # Not the leaves themselves: an answer that writes into its input would meet an error of PyTorch there.
    handed = [each * 1 if any(each is leaf for leaf in leaves) else each for each in given]
    kept = copy.deepcopy([_detached(each) for each in handed])
    output = model(*handed)
    seen: Observation = {
        "output": _detached(output),
        "inputs left as they were": same([_detached(each) for each in handed], kept),
    }
    if case.gradients:
        seen |= _gradients(model, output, leaves, wanted, pairing, seed)
    with torch.no_grad():
        again = _detached(model(*_detached(given)))
        seen["the same each time in evaluation"] = same(again, seen["output"])
        model.train()
        first, second = (_detached(model(*copy.deepcopy(_detached(given)))) for _ in range(2))
    seen["the same each time in training"] = same(first, second)
    if seen["the same each time in training"]:
        # Without dropout, or with so much of it that nothing comes through: then its place can be seen.
        seen["output in training"] = first
    marked = _where_dropout_acts(model, _detached(given), seen["output"])
    return seen if marked is None else seen | {WHERE_DROPOUT_ACTS: marked}


@torch.no_grad()
def _where_dropout_acts(model: nn.Module, given: Any, in_evaluation: Any) -> Any:
    """Return the output where PyTorch's dropout makes x + p |x| of each number x; None where that shows nothing.

    So its place and its probability p are seen, and neither the order of the axes nor a factor makes a difference.
    It shows nothing where an answer drops in another way, too: then without PyTorch's dropout the output is not that
    of evaluation.
    """
    original, calls = functional.dropout, 0

    def run(strength: float) -> Any:
        def marking(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
            nonlocal calls
            calls += 1
            marked = input + strength * p * input.abs() if training else input
            return input.copy_(marked) if inplace else marked

        functional.dropout = marking
        try:
            return _detached(model(*copy.deepcopy(given)))
        finally:
            functional.dropout = original

    return run(1.0) if same(run(0.0), in_evaluation) and calls else None


def _gradients(
    model: nn.Module,
    output: Any,
    leaves: list[Tensor],
    wanted: dict[str, Tensor],
    pairing: dict[str, list[str]],
    seed: int,
) -> Observation:
    """Return what reaches the parameters, by the solution's names, and the inputs."""
    torch.manual_seed(seed)
    tensors = [each for each in _tensors(output) if each.is_floating_point()]
    if any(each.is_meta for each in tensors):
        return {"gradients": None}
    total = sum((each * torch.randn(each.shape).to(each.device)).sum() for each in tensors)
    if not isinstance(total, Tensor) or not total.requires_grad:
        return {"gradients": None}
    own = dict(model.named_parameters())
    sources = [*own.values(), *leaves]
    learning = [each for each in sources if each.requires_grad]
    reached_by = dict(
        zip(map(id, learning), torch.autograd.grad(total, learning, allow_unused=True), strict=True)
    )
    gradients = (reached_by.get(id(each)) for each in sources)
    found = [torch.zeros_like(each) if g is None else g for g, each in zip(gradients, sources, strict=True)]
    reached = dict(zip(own, found, strict=False))
    return {
        "gradients": {
            name: _joined([reached[other] for other in pairing[name]], tensor)
            for name, tensor in wanted.items()
        },
        "gradients of the inputs": found[len(own) :],
    }


# Parameters ---------------------------------------------------------------------------------------------


def parameters_of(model: nn.Module, seed: int) -> dict[str, Tensor]:
    """Return parameters for a model, all far from where they begin, so that no part can hide."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, parameter in model.named_parameters():
        # The factors of LayerNorm lie around 1; all else, around 0.
        centre = 1.0 if parameter.dim() == 1 and bool((parameter == 1).all()) else 0.0
        found[name] = centre + 0.3 * torch.randn(parameter.shape, generator=generator)
    return found


def shapes(parameters: Mapping[str, Tensor]) -> list[list[int]]:
    """Return the shapes of parameters, in an order that depends on no name."""
    return sorted(_sizes(each) for each in parameters.values())


def pairings(wanted: dict[str, Tensor], model: nn.Module) -> Iterator[dict[str, list[str]]]:
    """Yield ways to pair the solution's parameters with those of a model: for each name of the first, its own.

    By name where the names are the same; else by shape, part by part. A stack of g matrices may also be held as g
    matrices of their own, each with its piece of the bias.
    """
    own = dict(model.named_parameters())
    if own.keys() == wanted.keys() and all(_sizes(own[name]) == _sizes(wanted[name]) for name in wanted):
        yield {name: [name] for name in wanted}
        return
    stacks = {name.rpartition(".")[0]: len(tensor) for name, tensor in wanted.items() if tensor.dim() == 3}
    whole = dict.fromkeys(wanted, 1)
    in_pieces = {name: stacks.get(name.rpartition(".")[0], 1) for name in wanted}
    ways = (
        {name: [way[f"{name}[{i}]"] for i in range(number)] for name, number in numbers.items()}
        for numbers in ([whole] if whole == in_pieces else [whole, in_pieces])
        for way in _pair(
            {
                f"{name}[{i}]": part
                for name in wanted
                for i, part in enumerate(_cut(wanted[name], numbers[name]))
            },
            own,
        )
    )
    yield from itertools.islice(ways, PAIRINGS)


def _pair(wanted: dict[str, Tensor], own: dict[str, Tensor]) -> Iterator[dict[str, str]]:
    """Yield the ways to pair parameters in which parts with the same shapes change places.

    A part that the other model does not have as a whole is opened, and the smaller parts in it are paired.
    """
    opened: set[tuple] = set()
    while True:
        ours = _parts(wanted, lambda shapes, opened=frozenset(opened): shapes not in opened)
        theirs = _parts(own, ours.__contains__)
        if {shapes: len(ours[shapes]) for shapes in ours} == {
            shapes: len(theirs[shapes]) for shapes in theirs
        }:
            break
        lacking = {
            shapes for shapes in ours if len(shapes) > 1 and len(ours[shapes]) > len(theirs.get(shapes, ()))
        }
        if not lacking:
            return
        opened |= lacking
    orders = (itertools.islice(itertools.permutations(theirs[shapes]), PAIRINGS) for shapes in ours)
    for order in itertools.product(*orders):
        yield {
            name: other
            for parts, others in zip(ours.values(), order, strict=True)
            for part, their_part in zip(parts, others, strict=True)
            for name, other in zip(part, their_part, strict=True)
        }


def _parts(
    parameters: Mapping[str, Tensor], is_a_part: Callable[[tuple], bool], level: int = 1
) -> dict[tuple, list[list[str]]]:
    """Return the parts of a model, each as the names of its parameters, by their shapes.

    is_a_part: says of the shapes in a part whether it stays whole
    """
    found: dict[tuple, list[list[str]]] = {}
    for _, group in itertools.groupby(parameters, key=lambda name: name.split(".")[:level]):
        names = sorted(group, key=lambda name: _sizes(parameters[name]))
        shapes = tuple(tuple(_sizes(parameters[name])) for name in names)
        if len(names) == 1 or is_a_part(shapes):
            found.setdefault(shapes, []).append(names)
        else:
            inner = _parts(
                {name: parameters[name] for name in parameters if name in names}, is_a_part, level + 1
            )
            for each, parts in inner.items():
                found.setdefault(each, []).extend(parts)
    return found


def _sizes(tensor: Tensor) -> list[int]:
    """Return the sizes of a tensor in order, without those that are 1: a transposed matrix has the same."""
    return sorted(size for size in tensor.shape if size != 1)


def adopt(model: nn.Module, wanted: dict[str, Tensor], pairing: dict[str, list[str]]) -> None:
    """Write the solution's parameters into a model."""
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in wanted.items():
            for other, part in zip(pairing[name], _cut(tensor, len(pairing[name])), strict=True):
                own[other].copy_(_turned(part, own[other].shape))


def _cut(tensor: Tensor, number: int) -> Sequence[Tensor]:
    return [tensor] if number == 1 else tensor.unbind(0) if tensor.dim() == 3 else tensor.chunk(number)


def _joined(parts: list[Tensor], like: Tensor) -> Tensor:
    """Return the opposite of _cut, in the shape of `like`."""
    if len(parts) == 1:
        return _turned(parts[0], like.shape)
    if like.dim() == 3:
        return torch.stack([_turned(part, like.shape[1:]) for part in parts])
    return torch.cat(parts)


def _turned(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Return a tensor in a shape of the same sizes: its axes turned where that is needed, with other axes of size 1."""
    flat = [size for size in shape if size != 1]
    tensor = tensor.squeeze()
    for order in itertools.permutations(range(tensor.dim())):
        if [tensor.shape[axis] for axis in order] == flat:
            return tensor.permute(order).reshape(shape)
    raise ValueError(f"a parameter of shape {list(tensor.shape)} does not fit into {list(shape)}")


# Comparison ---------------------------------------------------------------------------------------------


def same(one: Any, other: Any, scale: float | None = None) -> bool:
    """Say whether two results are equal up to rounding: tensors, numbers, texts, and lists and mappings of them.

    A list and a tuple are alike, as are a number and a tensor of one number. Floating-point tensors must have the same
    dtype. scale: the size of the numbers that rounding is measured by; that of each tensor unless given
    """
    one, other = _plain(one), _plain(other)
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return same_tensors(one, other, scale)
    if isinstance(one, numbers.Number) and isinstance(other, numbers.Number):
        return (
            one == other
            or math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
            or (one != one and other != other)
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key], scale) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b, scale) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def same_tensors(one: Tensor, other: Tensor, scale: float | None = None) -> bool:
    """Say whether two tensors have the same shape, the same kind of numbers, and the same numbers up to rounding."""
    if one.shape != other.shape or one.device != other.device or one.is_meta:
        return False
    if one.dtype != other.dtype and (one.is_floating_point() or other.is_floating_point()):
        return False
    one, other = one.detach().double(), other.detach().double()
    finite = other[other.isfinite()].abs()
    # The smallest number of a dtype stands for "never" in scores; it is no measure for the others.
    finite = finite[finite < 1e30]
    size = scale if scale is not None else (finite.max().item() if finite.numel() else 0.0)
    return torch.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE * max(size, 1e-3), equal_nan=True)


def meets(found: Observation, wanted: Observation) -> bool:
    """Say whether an answer does what the solution does; of an error that must be raised, only the kind counts."""
    if "error" in wanted:
        return "error" in found and found["error"].kind == wanted["error"].kind
    return same_observations(found, wanted)


def same_observations(one: Observation, other: Observation) -> bool:
    """Say whether two answers do the same in one case."""
    return all(same_in(key, one, other) for key in {**one, **other})


def same_in(key: str, one: Observation, other: Observation) -> bool:
    """Say whether two answers are alike in one thing that may have been observed."""
    if key in one and key in other:
        return same_seen(key, one[key], other[key])
    return key == WHERE_DROPOUT_ACTS and "error" not in {**one, **other}


def same_seen(key: str, one: Any, other: Any) -> bool:
    """Compare one thing that was observed; gradients by the size of the largest of them."""
    if key.startswith("gradients") and one is not None and other is not None:
        largest = max((each.abs().max().item() for each in _tensors(other)), default=0.0)
        return same(one, other, scale=largest)
    return same(one, other)


def _plain(value: Any) -> Any:
    """Return a result in the form in which results are compared."""
    if isinstance(value, np.ndarray | np.generic):
        value = torch.from_numpy(np.asarray(value))
    if isinstance(value, Tensor):
        return value.item() if value.dim() == 0 and value.device.type != "meta" else value
    if isinstance(value, tuple):
        return list(value)
    return value


def _tensors(value: Any) -> list[Tensor]:
    """Return every tensor in lists and mappings."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []
    return [found for part in parts for found in _tensors(part)]


def _detached(value: Any) -> Any:
    """Return a result whose tensors are copies of their own, without gradients."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: _detached(part) for key, part in value.items()}
    return type(value)(map(_detached, value)) if type(value) in (list, tuple) else value
