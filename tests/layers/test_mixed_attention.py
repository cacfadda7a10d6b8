"""Mixed attention: one query for both kinds of heads, attention heads first, one matrix to mix them."""

import pytest
import torch

from convbert_edu.layers import MixedAttention
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers


def build(**changes: object) -> tuple[MixedAttention, torch.Tensor]:
    attention = MixedAttention(tiny_config(**changes))
    randomise(attention)
    return attention, torch.randn(2, 6, 32)


def test_both_kinds_of_heads_share_the_query_and_are_mixed():
    attention, inputs = build()
    output, attention_map, kernels = attention(inputs, return_attention=True)
    query = inputs @ attention.query.weight.T + attention.query.bias
    far, expected_map = attention.self_attention(query, inputs, return_map=True)
    near, expected_kernels = attention.convolution(query, inputs)
    assert_same_numbers(attention_map, expected_map)
    assert_same_numbers(kernels, expected_kernels)
    side_by_side = torch.cat([far, near], dim=-1)  # [attention heads, convolution heads]
    expected = side_by_side @ attention.output.weight.T + attention.output.bias
    assert_same_numbers(output, expected)


@pytest.mark.parametrize(
    ("heads", "ratio", "gamma_bottleneck", "branch_heads", "branch"),
    [
        (4, 2, False, 2, 16),
        (4, 4, False, 1, 16),
        (4, 4, True, 1, 8),
        (1, 2, False, 1, 16),
        (1, 2, True, 1, 32),
    ],
)
def test_widths_under_both_readings_of_gamma(
    heads: int, ratio: int, gamma_bottleneck: bool, branch_heads: int, branch: int
):
    attention, inputs = build(num_attention_heads=heads, head_ratio=ratio, gamma_bottleneck=gamma_bottleneck)
    assert attention.query.weight.shape == (branch, 32)
    assert attention.output.weight.shape == (32, 2 * branch)
    output, attention_map, kernels = attention(inputs, return_attention=True)
    assert output.shape == inputs.shape
    assert attention_map.shape == (2, branch_heads, 6, 6)
    assert kernels.shape == (2, branch_heads, 6, 5)
