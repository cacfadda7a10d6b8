"""The tolerance of the tests lets rounding pass and nothing that is larger."""

import pytest
import torch

from tolerance import assert_same_numbers, assert_same_record, assert_same_training


def test_sums_in_another_order_pass_and_a_small_mistake_does_not():
    torch.manual_seed(0)
    inputs, weights = torch.randn(5, 32), torch.randn(32, 8)
    there, back = inputs @ weights, inputs.flip(1) @ weights.flip(0)
    assert_same_numbers({"out": there}, {"out": back})
    with pytest.raises(AssertionError, match=r"result\['out'\]: "):
        assert_same_numbers({"out": there}, {"out": back + 1e-3})


def test_float64_is_held_to_its_own_precision():
    exact = torch.ones(3, dtype=torch.float64)
    with pytest.raises(AssertionError):
        assert_same_numbers(exact, exact + 1e-10)


def test_whole_runs_are_compared_in_float64_only():
    weights = {"w": torch.ones(3)}
    with pytest.raises(AssertionError, match=r"w is torch\.float32; ask for the fixture float64"):
        assert_same_training(weights, weights)
    weights = {"w": torch.ones(3).double()}
    with pytest.raises(AssertionError):
        assert_same_training(weights, {"w": weights["w"] + 1e-9})


def test_records_may_differ_by_rounding_and_not_by_a_step():
    assert_same_record([{"step": 3, "loss": 0.5}], [{"step": 3, "loss": 0.5 + 1e-9}])
    for other in ({"step": 4, "loss": 0.5}, {"step": 3, "loss": 0.501}, {"step": 3}):
        with pytest.raises(AssertionError):
            assert_same_record([{"step": 3, "loss": 0.5}], [other])
