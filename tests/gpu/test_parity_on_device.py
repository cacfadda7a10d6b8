"""On a GPU every model gives transformers' numbers, too: outputs, losses and gradients, both sides on the device.

float64 is the proof. In float32 (TF32 switched off) our errors are compared with those of transformers' own model.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convbert_edu.checkpoints.loading import to_transformers_names
from convbert_edu.device import exact_float32
from gpu_device import EXAMPLES, TEST_DEVICE
from parity.pairs import EXACT, SHARED_CLASSES, assert_same, build_pair, in_double, rounding_errors
from parity.test_transformers import cases
from tolerance import largest, rounding

pytestmark = pytest.mark.gpu
MAPS = dict(output_hidden_states=True, output_attentions=True)


@pytest.fixture(autouse=True, scope="module")
def without_tf32() -> Iterator[None]:
    with exact_float32():
        yield


def moved(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(TEST_DEVICE) for name, tensor in given.items()}


def pair_on_device(name: str, fields: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    ours, theirs = (model.to(TEST_DEVICE) for model in build_pair(name, fields))
    assert ours.device.type == torch.device(TEST_DEVICE).type
    return ours, theirs


@pytest.mark.parametrize("name", SHARED_CLASSES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_outputs_and_losses_in_float64(name: str, data: st.DataObject):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = (model.double() for model in pair_on_device(name, fields))
    given = moved(in_double(inputs | labels))
    with torch.no_grad():
        expected = theirs(**given, **MAPS)
        with_maps, fused = ours(**given, **MAPS), ours(**given, output_hidden_states=True)
    assert_same(with_maps, expected)
    assert_same(fused, {key: value for key, value in expected.items() if key != "attentions"})


@pytest.mark.parametrize("name", SHARED_CLASSES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_float32_is_no_less_exact_than_transformers(name: str, data: st.DataObject):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = pair_on_device(name, fields)
    given = moved(inputs | labels)
    with torch.no_grad():
        actual, rounded = ours(**given, **MAPS), theirs(**given, **MAPS)
        exact = theirs.double()(**moved(in_double(inputs | labels)), **MAPS)
    allowed = rounding(1.0, layers=fields["num_hidden_layers"]) + 10 * rounding_errors(rounded, exact)
    assert_same(actual, rounded, allowed)


@pytest.mark.parametrize("name", SHARED_CLASSES)
@pytest.mark.parametrize("attention", ["fused", "with maps"])
@settings(max_examples=max(1, EXAMPLES // 2))
@given(data=st.data())
def test_gradients_in_float64(name: str, attention: str, data: st.DataObject):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = (model.double() for model in pair_on_device(name, fields))
    given = moved(in_double(inputs | labels))
    loss_of(ours(**given, output_attentions=attention == "with maps")).backward()
    loss_of(theirs(**given)).backward()
    for parameter in ours.parameters():
        # The table of names translates anything that is shaped like the parameters.
        parameter.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    actual = to_transformers_names(ours)
    expected = {
        key: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for key, parameter in theirs.named_parameters()
    }
    size = max(map(largest, expected.values()))
    for key in expected:
        torch.testing.assert_close(
            actual[key], expected[key], atol=EXACT * size, rtol=0, equal_nan=True, check_device=False,
            msg=lambda text, key=key: f"{key}: {text}",
        )  # fmt: skip


def loss_of(output: Any) -> Tensor:
    if hasattr(output, "loss"):
        return output.loss
    states = output.last_hidden_state
    weights = torch.linspace(-1, 1, states.numel(), device=states.device, dtype=states.dtype)
    return (states * weights.view_as(states)).mean()
