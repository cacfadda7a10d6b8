"""Dropout drops as often as it says, each number by itself, and nothing outside training."""

import pytest
import torch
from torch import nn

from convbert_edu.layers import Dropout
from models.cases import EVERY_MODEL, build
from tolerance import assert_same_numbers

MANY = 2**20


def dropped(p: float, count: int = MANY) -> torch.Tensor:
    """Which of `count` numbers are dropped."""
    return Dropout(p)(torch.ones(count)) == 0


@pytest.mark.parametrize("p", [0.001, 0.1, 0.37, 0.5, 0.9])
def test_the_share_that_is_dropped_is_p_and_the_mean_stays(p: float):
    sigma = (p * (1 - p) / MANY) ** 0.5
    zeroed = dropped(p)
    assert abs(zeroed.double().mean().item() - p) < 5 * sigma
    left = Dropout(p)(torch.full((MANY,), 3.0)).unique()
    assert left.tolist() == pytest.approx([0, 3 / (1 - p)], rel=1e-4)


def test_the_four_numbers_of_a_draw_are_dropped_independently():
    zeroed = dropped(0.3).double() - 0.3
    # within a draw, and from one draw to the next
    for distance in range(1, 9):
        together = (zeroed[:-distance] * zeroed[distance:]).mean().item() / (0.3 * 0.7)
        assert abs(together) < 5 * MANY**-0.5
    for offset in range(4):
        assert abs(zeroed[offset::4].mean().item()) < 5 * (0.3 * 0.7 / (MANY / 4)) ** 0.5


def test_gradients_pass_where_numbers_passed():
    inputs = torch.randn(3, 5, 7, requires_grad=True)
    out = Dropout(0.4)(inputs)
    out.sum().backward()
    assert_same_numbers(inputs.grad, (out / inputs).detach())


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 0, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_shape_and_precision_stay(shape: tuple[int, ...], dtype: torch.dtype):
    out = Dropout(0.5)(torch.ones(shape, dtype=dtype))
    assert (out.shape, out.dtype) == (shape, dtype)
    assert set(out.flatten().tolist()) <= {0.0, 2.0}


def test_the_same_seed_drops_the_same_numbers():
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(dropped(0.5, 1000))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(("p", "left"), [(0.0, 1.0), (1.0, 0.0), (1 - 1e-9, 0.0)])
def test_nothing_is_dropped_and_everything_is_dropped(p: float, left: float):
    assert Dropout(p)(torch.ones(100)).unique().tolist() == [left]


def test_nothing_is_dropped_outside_training():
    inputs = torch.randn(4, 4)
    assert torch.equal(Dropout(0.9).eval()(inputs), inputs)


@pytest.mark.parametrize("kind", EVERY_MODEL)
def test_every_model_drops_this_way(kind: type):
    assert not [module for module in build(kind).modules() if type(module) is nn.Dropout]


def test_a_probability_above_one_is_refused():
    with pytest.raises(ValueError, match="probability"):
        Dropout(1.5)
