"""Where tensors lie in memory does not matter: the matrix library may choose another kernel, but not another result."""

import pytest
import torch
from torch import Tensor

from convbert_edu import ConvBertModel
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build, inputs_for, labels_for
from tolerance import assert_same_numbers

# In elements of four bytes: none of these is a multiple of 16, 32 or 64 bytes, which vector instructions like best.
ODD_OFFSETS = (1, 3, 7, 13)


def moved(tensor: Tensor, offset: int) -> Tensor:
    """Return a copy of `tensor` that begins `offset` elements after the beginning of its memory."""
    memory = torch.empty(tensor.numel() + offset, dtype=tensor.dtype)
    there = memory[offset:].view(tensor.shape)
    there.copy_(tensor)
    assert there.storage_offset() == offset
    return there


def results(model: PretrainedModel, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the model returns, and the gradients of all its weights."""
    model.zero_grad()
    output = model(**inputs)
    loss = output.last_hidden_state.square().mean() if isinstance(model, ConvBertModel) else output.loss
    loss.backward()
    gradients = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    return {name: value for name, value in vars(output).items() if value is not None} | gradients


@pytest.mark.parametrize("offset", ODD_OFFSETS)
@pytest.mark.parametrize("kind", EVERY_MODEL)
def test_weights_and_inputs_at_odd_places_give_the_same(kind: type[PretrainedModel], offset: int):
    model, inputs = build(kind), inputs_for(kind) | labels_for(kind)
    inputs["inputs_embeds"] = torch.randn(*inputs.pop("input_ids").shape, model.config.embedding_size)
    expected = results(model, inputs)
    for parameter in model.parameters():
        parameter.data = moved(parameter.data, offset)
    actual = results(model, {name: moved(tensor, offset) for name, tensor in inputs.items()})
    assert len(expected) > 20
    assert_same_numbers(actual, expected)
