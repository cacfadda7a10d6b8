"""The span-aware key is a depthwise separable convolution: PyTorch's own two, one after the other."""

import pytest
import torch
from torch import nn

from convbert_edu.layers.dynamic_convolution import SpanAwareKey, SpanDynamicConvolution
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers


@pytest.mark.parametrize("kernel_size", [1, 3, 9, 11])
@pytest.mark.parametrize("seq", [1, 4, 20])
def test_against_pytorchs_convolutions(kernel_size: int, seq: int):
    span_key = SpanAwareKey(tiny_config(conv_kernel_size=kernel_size))
    randomise(span_key)
    depthwise = nn.Conv1d(32, 32, kernel_size, groups=32, padding=kernel_size // 2, bias=False)
    pointwise = nn.Conv1d(32, 16, 1)
    depthwise.weight.data = span_key.depthwise.data.unsqueeze(1)
    pointwise.weight.data = span_key.pointwise.weight.data.unsqueeze(2)
    pointwise.bias.data = span_key.bias.data
    hidden_states = torch.randn(2, seq, 32)
    expected = pointwise(depthwise(hidden_states.transpose(1, 2))).transpose(1, 2)
    assert_same_numbers(span_key(hidden_states), expected)


def test_each_key_is_made_of_the_tokens_within_half_a_kernel():
    span_key = SpanAwareKey(tiny_config(conv_kernel_size=5))
    hidden_states = torch.randn(1, 12, 32, requires_grad=True)
    span_key(hidden_states)[:, 6].sum().backward()
    assert hidden_states.grad.abs().sum((0, 2)).nonzero().flatten().tolist() == [4, 5, 6, 7, 8]


def test_kernels_are_softmax_of_query_times_key():
    layer = SpanDynamicConvolution(tiny_config())
    randomise(layer)
    query, hidden_states = torch.randn(2, 6, 16), torch.randn(2, 6, 32)
    _, kernels = layer(query, hidden_states)
    scores = (query * layer.span_key(hidden_states)) @ layer.kernel.weight.T + layer.kernel.bias
    for head in range(2):
        logits = scores[..., 5 * head : 5 * head + 5]  # five weights for each head, head after head
        expected = logits.exp() / logits.exp().sum(-1, keepdim=True)
        assert_same_numbers(kernels[:, head], expected)


def test_the_filters_start_wide_and_cut_off_at_two_standard_deviations():
    torch.manual_seed(0)
    filters = SpanAwareKey(tiny_config(hidden_size=512, conv_kernel_size=9)).depthwise
    assert filters.abs().max() <= 2 / 9
    # A normal distribution cut off at two standard deviations has 0.880 of its standard deviation left.
    assert abs(filters.std() * 9 - 0.880) < 0.02
