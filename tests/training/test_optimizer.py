"""The optimiser's groups and the schedule, against numbers worked out by hand."""

import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForSequenceClassification
from convbert_edu.training.optimizer import linear_schedule, make_optimizer

SIZES = dict(vocab_size=20, embedding_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=4)


@pytest.fixture
def model():
    return ConvBertForSequenceClassification(ConvBertConfig(**SIZES, intermediate_size=32))


def setting_of(optimizer, parameter):
    """The one group that holds `parameter`."""
    groups = [g for g in optimizer.param_groups if any(p is parameter for p in g["params"])]
    assert len(groups) == 1
    return groups[0]


def test_learning_rates_by_depth_equal_a_table_made_by_hand(model):
    """2 layers, decay 0.8, head 1e-4: embeddings 0.8^4, layer 0 0.8^3, layer 1 0.8^2, head 1 times that."""
    optimizer = make_optimizer(model, 1e-4, layer_decay=0.8)
    parameters = dict(model.named_parameters())
    by_hand = {
        "encoder.embeddings.word.weight": 4.096e-5,
        "encoder.embeddings.projection.weight": 4.096e-5,
        "encoder.layers.0.attention.query.weight": 5.12e-5,
        "encoder.layers.0.feed_forward_norm.bias": 5.12e-5,
        "encoder.layers.1.attention.convolution.span_key.depthwise": 6.4e-5,
        "classification_head.output.weight": 1e-4,
    }
    for name, rate in by_hand.items():
        assert setting_of(optimizer, parameters[name])["lr"] == pytest.approx(rate), name


def test_only_matrices_are_decayed(model):
    optimizer = make_optimizer(model, 1e-4, weight_decay=0.01)
    for name, parameter in model.named_parameters():
        spared = name.endswith("bias") or "norm" in name
        assert setting_of(optimizer, parameter)["weight_decay"] == (0.0 if spared else 0.01), name


def test_every_parameter_is_trained_exactly_once(model):
    groups = make_optimizer(model, 1e-4, layer_decay=0.5).param_groups
    trained = [id(p) for group in groups for p in group["params"]]
    assert sorted(trained) == sorted(id(p) for p in model.parameters())


def test_frozen_parameters_are_left_out(model):
    model.encoder.requires_grad_(False)
    trained = [p for group in make_optimizer(model, 1e-4).param_groups for p in group["params"]]
    assert len(trained) == 4  # two dense layers, weight and bias each


def test_schedule_rises_and_falls_in_straight_lines():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = linear_schedule(optimizer, total_steps=8, warmup_steps=3)
    rates = []
    for _ in range(8):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.8, 0.6, 0.4, 0.2])


def test_warmup_as_long_as_the_training_is_refused():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(ValueError, match="warmup_steps is 5; it must be from 0 to below total_steps \\(5\\)"):
        linear_schedule(optimizer, total_steps=5, warmup_steps=5)
