"""Training with little memory: what is not kept is computed again, and nothing else changes."""

import pytest
import torch
from torch import Tensor, nn

from common import bytes_of, kept_for_backward
from convbert_edu.layers import FeedForward
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.encoder import set_gradient_checkpointing
from helpers import tiny_config
from models.cases import EVERY_MODEL, build, inputs_for, labels_for
from tolerance import assert_same_numbers


def loss_and_kept_bytes(model: PretrainedModel) -> tuple[Tensor, int]:
    """The loss of a step in training mode, and the bytes that it keeps for the backward pass beside the weights."""
    torch.manual_seed(0)  # the same dropout each time
    given = inputs_for(type(model)) | labels_for(type(model))
    output, kept = kept_for_backward(lambda: model.train()(**given), model.parameters())
    loss = output.loss if hasattr(output, "loss") else output.last_hidden_state.square().mean()
    return loss, bytes_of(kept)


def gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_layers_that_are_computed_again_give_the_same_loss_and_gradients(model: type[PretrainedModel]):
    built = build(model, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3)
    expected, many = loss_and_kept_bytes(built)
    expected_gradients = gradients(built, expected)
    set_gradient_checkpointing(built)
    actual, few = loss_and_kept_bytes(built)
    assert few < many / 2
    assert_same_numbers(actual, expected)
    assert len(expected_gradients) > 20
    assert_same_numbers(gradients(built, actual), expected_gradients)
    set_gradient_checkpointing(built, wanted=False)
    assert loss_and_kept_bytes(built)[1] == many


@pytest.mark.parametrize("num_groups", [1, 2])
def test_the_wide_vectors_are_kept_once(num_groups: int):
    part = FeedForward(tiny_config(num_groups=num_groups))
    inputs = torch.randn(2, 5, part.expand.weight.shape[-1 if num_groups == 1 else -2] * num_groups)
    wide = part.expand(inputs)
    out, kept = kept_for_backward(lambda: part(inputs), part.parameters())
    assert sum(tensor.numel() == wide.numel() for tensor in kept) <= 1
    by_hand = part.contract(part.activation(part.expand(inputs)))
    assert_same_numbers(out, by_hand)
    weights = list(part.parameters())
    expected = torch.autograd.grad(by_hand.square().sum(), weights)
    assert_same_numbers(torch.autograd.grad(out.square().sum(), weights), expected)
