"""The feed-forward part works on each token alone, and each group of it on its own slice."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convbert_edu.layers import FeedForward, GroupedLinear
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers, largest, rounding


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_a_grouped_layer_is_one_small_layer_per_slice(groups: int):
    grouped = GroupedLinear(24, 36, groups)
    randomise(grouped)
    inputs = torch.randn(2, 5, 24)
    slices = []
    for group, part in enumerate(inputs.chunk(groups, dim=-1)):
        small = nn.Linear(24 // groups, 36 // groups)
        small.weight.data = grouped.weight[group].T
        small.bias.data = grouped.bias.chunk(groups)[group]
        slices.append(small(part))
    assert_same_numbers(grouped(inputs), torch.cat(slices, dim=-1))


def test_a_grouped_layer_has_that_many_times_fewer_weights():
    assert GroupedLinear(24, 36, 1).weight.numel() == 24 * 36
    assert GroupedLinear(24, 36, 4).weight.numel() == 24 * 36 // 4


def test_a_grouped_layer_made_by_itself_starts_like_a_linear_layer():
    weights = GroupedLinear(2400, 36, 4).weight
    assert weights.abs().max() <= 600**-0.5  # 600 inputs a group
    assert weights.std().item() == pytest.approx(nn.Linear(600, 36).weight.std().item(), rel=0.05)


def test_groups_do_not_mix():
    feed_forward = FeedForward(tiny_config(num_groups=4))
    randomise(feed_forward)
    inputs = torch.randn(1, 1, 32)
    changed = inputs.clone()
    changed[..., 8:16] += 1  # the second group's slice
    before, after = feed_forward(inputs), feed_forward(changed)
    difference = (before - after).abs().view(4, 8)
    assert (difference[[0, 2, 3]] < rounding(largest(before))).all()
    assert (difference[1] > 1e-3).all()


@pytest.mark.parametrize("groups", [1, 2])
def test_each_token_stands_alone(groups: int):
    feed_forward = FeedForward(tiny_config(num_groups=groups))
    randomise(feed_forward)
    inputs = torch.randn(2, 5, 32)
    for t in range(5):
        alone = feed_forward(inputs[:, t : t + 1])
        assert_same_numbers(feed_forward(inputs)[:, t : t + 1], alone)


def test_expand_activate_contract():
    feed_forward = FeedForward(tiny_config(num_groups=1, hidden_act="relu"))
    randomise(feed_forward)
    inputs = torch.randn(2, 5, 32)
    wide = F.relu(inputs @ feed_forward.expand.weight.T + feed_forward.expand.bias)
    assert wide.shape[-1] == 48
    expected = wide @ feed_forward.contract.weight.T + feed_forward.contract.bias
    assert_same_numbers(feed_forward(inputs), expected)
