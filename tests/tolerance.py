"""How far apart two results of the same computation may lie: the one place of the tests that says it.

What is stored comes back bit for bit: weights, token ids, files, the state of an optimiser, random numbers. What is
computed does not. PyTorch's matrix library chooses its kernel by the processor, by the number of threads and by where
a tensor lies in memory; kernels add in different orders, and each order rounds differently.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

# A layer is about a dozen operations in a row (products, softmax, norms). Each result in the tests' small models is a
# sum of some thirty products, and thirty independent rounding errors add up to about five of one: 12 * 5.
ROUNDINGS_PER_LAYER = 64

# The deepest models of the tests, but for those tests that say otherwise.
LAYERS = 3

# Two runs in float64 after about twenty steps. A rounding error of 1e-16 grows with each step of training,
# and a forgotten part of a checkpoint changes weights by about a learning rate, 1e-3.
AFTER_TWENTY_STEPS = 1e-10


def rounding(size: float, dtype: torch.dtype = torch.float32, layers: int = LAYERS) -> float:
    """Return how much rounding may change numbers of magnitude `size` in a model of `layers` layers."""
    return torch.finfo(dtype).eps * size * ROUNDINGS_PER_LAYER * layers


def assert_same_numbers(actual: Any, expected: Any, layers: int = LAYERS, size: float | None = None) -> None:
    """Compare computed numbers: tensors, arrays, or lists and mappings of them, as far as rounding allows.

    `size` is the magnitude of the numbers that were added up on the way. It is that of the largest expected number
    unless given, and for several tensors, such as the gradients of a model, that of the largest in any of them.
    Raises AssertionError that names the tensor and its largest difference.
    """
    ours, theirs = dict(_tensors(actual)), dict(_tensors(expected))
    assert ours.keys() == theirs.keys()
    if size is None:
        size = max(map(largest, theirs.values()), default=0.0)
    for name, tensor in theirs.items():
        precision = max(ours[name].dtype, tensor.dtype, key=lambda dtype: torch.finfo(dtype).eps)
        torch.testing.assert_close(
            ours[name], tensor, rtol=0, atol=rounding(size, precision, layers), equal_nan=True,
            msg=lambda text, name=name: f"{name}: {text}",
        )  # fmt: skip


def largest(tensor: Tensor) -> float:
    """Return the largest magnitude of the finite numbers in `tensor`; 0 where there is none."""
    finite = tensor.detach()[torch.isfinite(tensor)]
    return finite.abs().max().item() if finite.numel() else 0.0


def _tensors(value: Any, name: str = "result") -> list[tuple[str, Tensor]]:
    """Return every tensor in lists and mappings, with a name that says where it stands."""
    if isinstance(value, Tensor):
        return [(name, value.detach().cpu())]
    if isinstance(value, np.ndarray):
        return [(name, torch.from_numpy(np.ascontiguousarray(value)))]
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, Sequence) and not isinstance(value, str):
        parts = enumerate(value)
    else:
        raise TypeError(
            f"{name} is a {type(value).__name__}; give tensors, arrays, lists or mappings of them"
        )
    return [found for key, part in parts for found in _tensors(part, f"{name}[{key!r}]")]


def assert_same_training(actual: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare the weights of two runs of some twenty steps in float64 (see the fixture of that name)."""
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensor.dtype == torch.float64, f"{name} is {tensor.dtype}; ask for the fixture float64"
        torch.testing.assert_close(
            actual[name], tensor, rtol=0, atol=AFTER_TWENTY_STEPS,
            msg=lambda text, name=name: f"{name}: {text}",
        )  # fmt: skip


def assert_same_record(actual: Any, expected: Any) -> None:
    """Compare records or logs of two runs: text and whole numbers exactly, measured numbers to 1e-6.

    Evaluation hands on scores in float32, whatever the run computes in, hence no more than that.
    """
    if isinstance(expected, Mapping):
        assert list(actual) == list(expected)
        for name, value in expected.items():
            assert_same_record(actual[name], value)
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same_record(one, other)
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=1e-6, abs=1e-9)
    else:
        assert actual == expected
