"""Every model runs on every device: on `meta` (shapes without numbers), and on the GPUs that this machine has."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from convbert_edu import ConvBertModel
from convbert_edu.models.base import PretrainedModel
from gpu_device import TEST_DEVICE
from helpers import tiny_config
from models.cases import EVERY_MODEL, build, inputs_for, labels_for

EVERY_FLAG = {"output_hidden_states": True, "output_attentions": True, "output_conv_kernels": True}
DEVICES = [
    "cpu",
    pytest.param(TEST_DEVICE, marks=pytest.mark.gpu, id=f"gpu-{TEST_DEVICE}"),
    *(["mps"] if torch.backends.mps.is_available() else []),
]


def tensors_of(output: Any) -> dict[str, Tensor]:
    """All tensors of a result by name, those in tuples too."""
    tensors = {}
    for field in dataclasses.fields(output):
        value = getattr(output, field.name)
        if isinstance(value, tuple):
            tensors |= {f"{field.name}[{index}]": tensor for index, tensor in enumerate(value)}
        elif value is not None:
            tensors[field.name] = value
    return tensors


def moved(inputs: dict[str, Tensor], device: str) -> dict[str, Tensor]:
    return {name: tensor.to(device) for name, tensor in inputs.items()}


@pytest.mark.parametrize("mask_convolution", [False, True])
@pytest.mark.parametrize("flags", [{}, EVERY_FLAG], ids=["plain", "every flag"])
@pytest.mark.parametrize("masked", [False, True], ids=["no mask", "mask"])
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_the_meta_device_gives_the_shapes_of_the_cpu(
    model: type[PretrainedModel], masked: bool, flags: dict[str, bool], mask_convolution: bool
):
    inputs = inputs_for(model) | labels_for(model)
    if not masked:
        del inputs["attention_mask"]
    expected = tensors_of(build(model, mask_convolution=mask_convolution)(**inputs, **flags))
    with torch.device("meta"):
        shadow = model(tiny_config(mask_convolution=mask_convolution)).eval()
    actual = tensors_of(shadow(**moved(inputs, "meta"), **flags))
    assert {name: (t.shape, t.dtype) for name, t in actual.items()} == {
        name: (t.shape, t.dtype) for name, t in expected.items()
    }
    assert {t.device.type for t in actual.values()} == {"meta"}
    assert shadow.device.type == "meta"


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_a_training_step_and_word_embeddings_already_looked_up_on_meta(model: type[PretrainedModel]):
    shadow = build(model).to("meta").train()
    inputs = moved(inputs_for(model) | labels_for(model), "meta")
    inputs["position_ids"] = torch.zeros_like(inputs["input_ids"])
    inputs["inputs_embeds"] = torch.empty(*inputs.pop("input_ids").shape, 16, device="meta")
    optimizer = torch.optim.AdamW(shadow.parameters())
    output = shadow(**inputs)
    result = output.last_hidden_state.mean() if model is ConvBertModel else output.loss
    result.backward()
    optimizer.step()
    trained = [parameter for parameter in shadow.parameters() if parameter.grad is not None]
    assert {parameter.grad.device.type for parameter in trained} == {"meta"}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_every_device_gives_the_numbers_of_the_cpu(model: type[PretrainedModel], device: str):
    inputs = inputs_for(model) | labels_for(model)
    expected = tensors_of(build(model)(**inputs, **EVERY_FLAG))
    actual = tensors_of(build(model).to(device)(**moved(inputs, device), **EVERY_FLAG))
    for name, tensor in actual.items():
        assert tensor.device.type == device
        torch.testing.assert_close(tensor.cpu(), expected[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("fully_masked", [False, True])
@pytest.mark.parametrize("mask_convolution", [False, True])
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_bfloat16_autocast_stays_near_float32(
    model: type[PretrainedModel], mask_convolution: bool, fully_masked: bool, device: str
):
    built = build(model, mask_convolution=mask_convolution).to(device)
    inputs = moved(inputs_for(model) | labels_for(model), device)
    if fully_masked:
        inputs["attention_mask"][0] = 0
    expected = tensors_of(built(**inputs))
    with torch.autocast(device, dtype=torch.bfloat16):
        actual = tensors_of(built(**inputs))
        with_maps = tensors_of(built(**inputs, output_attentions=True))
    for name, tensor in expected.items():
        scale = tensor.abs().max()
        for result in (actual[name], with_maps[name]):
            assert torch.isfinite(result).all()
            assert (result - tensor).abs().max() < 0.1 * scale, name
    if model is not ConvBertModel:
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = built(**inputs).loss
        loss.backward()
        assert all(torch.isfinite(parameter.grad).all() for parameter in built.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_a_whole_model_in_another_precision(model: type[PretrainedModel], dtype: torch.dtype):
    """Half precision and double work without autocast; a row of padding alone stays finite in each."""
    built, inputs = build(model).to(dtype), inputs_for(model)
    inputs["attention_mask"][0] = 0
    output = tensors_of(built(**inputs, **EVERY_FLAG))
    assert {tensor.dtype for tensor in output.values()} == {dtype}
    assert all(torch.isfinite(tensor).all() for tensor in output.values())


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mask_convolution", [False, True])
def test_gradients_of_a_row_of_padding_alone_are_finite(precision: torch.dtype, mask_convolution: bool):
    built, inputs = build(ConvBertModel, mask_convolution=mask_convolution), inputs_for(ConvBertModel)
    inputs["attention_mask"][0] = 0
    with torch.autocast("cpu", dtype=precision, enabled=precision is not torch.float32):
        states = built(**inputs).last_hidden_state
    assert torch.isfinite(states).all()
    states.float().square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in built.parameters())
