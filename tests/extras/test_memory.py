"""The memory formula says what a training step really keeps: counted by PyTorch's hooks, not by the formula's rules."""

import pytest
import torch

from common import NO_DROPOUT, bytes_of, kept_for_backward
from convbert_edu import ConvBertConfig, ConvBertModel
from convbert_edu.extras.memory import training_memory
from convbert_edu.models.encoder import set_gradient_checkpointing
from convbert_edu.training.optimizer import make_optimizer
from helpers import tiny_config

SIZES = {
    "tiny": (ConvBertConfig.tiny(**NO_DROPOUT), 4, 64),
    "small": (ConvBertConfig.small(num_hidden_layers=3, vocab_size=1000, **NO_DROPOUT), 2, 128),
    "medium-small": (ConvBertConfig.medium_small(num_hidden_layers=2, vocab_size=1000, **NO_DROPOUT), 2, 96),
    "base": (ConvBertConfig.base(num_hidden_layers=2, vocab_size=1000, **NO_DROPOUT), 2, 64),
    "dynamic": (ConvBertConfig.small(num_hidden_layers=2, convolution="dynamic", **NO_DROPOUT), 2, 64),
    "fixed": (ConvBertConfig.small(num_hidden_layers=2, convolution="fixed", **NO_DROPOUT), 2, 64),
    "shared values": (ConvBertConfig.small(num_hidden_layers=2, shared_values=True, **NO_DROPOUT), 2, 64),
    "attention only": (ConvBertConfig.small(num_hidden_layers=2, attention_only=True, **NO_DROPOUT), 2, 64),
}


def a_step(config: ConvBertConfig, batch: int, seq: int, checkpointing: bool) -> dict[str, int]:
    """What a step in float32 with fused attention takes: a CPU takes that way where there is no dropout."""
    torch.manual_seed(0)
    model = ConvBertModel(config).train()
    set_gradient_checkpointing(model, checkpointing)
    ids = torch.randint(2, config.vocab_size, (batch, seq))
    states, kept = kept_for_backward(
        lambda: model(ids, torch.ones_like(ids)).last_hidden_state, model.parameters()
    )
    activations = bytes_of(kept)
    optimizer = make_optimizer(model, 1e-3)
    states.square().mean().backward()
    optimizer.step()
    moments = [each for state in optimizer.state.values() for each in state.values() if each.dim()]
    return {
        "parameters": bytes_of(model.parameters()),
        "gradients": bytes_of(each.grad for each in model.parameters()),
        "optimizer": bytes_of(moments),
        "activations": activations,
    }


@pytest.mark.parametrize("name", SIZES)
def test_every_part_is_what_a_step_takes(name: str):
    config, batch, seq = SIZES[name]
    found = a_step(config, batch, seq, checkpointing=False)
    estimate = training_memory(config, batch, seq).to_dict()
    for part, size in found.items():
        assert estimate[part] == pytest.approx(size, rel=0.15), part
    assert estimate["total"] == pytest.approx(sum(found.values()), rel=0.15)


def test_more_rows_and_longer_rows_cost_what_they_cost():
    """Ten times the tokens are ten times the activations: nothing grows with the square of the length."""
    config = tiny_config()
    one, ten, long = (training_memory(config, *size).activations for size in ((1, 8), (10, 8), (1, 80)))
    assert one * 10 == ten == long


def test_with_checkpointing_less_is_kept_at_the_same_time_than_without():
    config = ConvBertConfig.small(vocab_size=1000, **NO_DROPOUT)
    without, with_it = (training_memory(config, 8, 128, gradient_checkpointing=on) for on in (False, True))
    assert with_it.activations < without.activations / 4
    assert with_it.parameters == without.parameters
    # What lies there between forward and backward pass is the inputs of the layers; the formula adds one layer.
    kept = a_step(config, 2, 64, checkpointing=True)["activations"]
    assert kept < training_memory(config, 2, 64, gradient_checkpointing=True).activations


def test_bfloat16_keeps_less_than_float32_and_dropout_more_than_none():
    size = (32, 128)
    full = training_memory(ConvBertConfig.base(**NO_DROPOUT), *size)
    half = training_memory(ConvBertConfig.base(**NO_DROPOUT), *size, precision="bfloat16")
    assert full.activations / 2 < half.activations < full.activations
    assert training_memory(ConvBertConfig.base(), *size).activations > full.activations


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch": 0}, "batch is 0; it must be at least 1"),
        ({"seq": 0}, "seq is 0; it must be at least 1"),
        ({"precision": "float16"}, "precision is 'float16'; choose float32 or bfloat16"),
    ],
)
def test_what_cannot_be_estimated_is_refused(wrong: dict, said: str):
    with pytest.raises(ValueError, match=said):
        training_memory(tiny_config(), **{"batch": 1, "seq": 1, **wrong})
