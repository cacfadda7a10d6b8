"""LConv, DConv and SDConv: what their kernels depend on, how far they reach, and how they are applied."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convbert_edu.layers import DynamicConvolution, FixedConvolution, SpanDynamicConvolution, apply_kernels
from convbert_edu.layers.apply_kernels import dynamic_conv
from convbert_edu.layers.dynamic_convolution import ConvolutionHeads
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers, largest, rounding

KINDS = (FixedConvolution, DynamicConvolution, SpanDynamicConvolution)
SEQ, HIDDEN, BRANCH, HEADS, KERNEL = 12, 32, 16, 2, 5


def build(kind: type[ConvolutionHeads]) -> ConvolutionHeads:
    layer = kind(tiny_config(conv_kernel_size=KERNEL))
    randomise(layer)
    return layer


@given(
    batch=st.integers(1, 3),
    seq=st.integers(1, 9),
    heads=st.integers(1, 3),
    head_size=st.integers(1, 4),
    reach=st.integers(0, 6),
    seed=st.integers(0, 1000),
)
def test_apply_kernels_against_loops(batch: int, seq: int, heads: int, head_size: int, reach: int, seed: int):
    torch.manual_seed(seed)
    values = torch.randn(batch, seq, heads, head_size)
    kernels = torch.randn(batch, seq, heads, 2 * reach + 1)
    expected = torch.zeros_like(values)
    for t in range(seq):
        for j in range(2 * reach + 1):
            if 0 <= t + j - reach < seq:  # beyond both ends there is nothing
                expected[:, t] += kernels[:, t, :, j : j + 1] * values[:, t + j - reach]
    assert_same_numbers(apply_kernels(values, kernels), expected)


@given(
    batch=st.integers(1, 2),
    seq=st.integers(1, 6),
    heads=st.integers(1, 2),
    head_size=st.integers(1, 3),
    reach=st.integers(0, 4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=20)
def test_the_gradient_of_apply_kernels_by_differences(
    batch: int, seq: int, heads: int, head_size: int, reach: int, seed: int
):
    torch.manual_seed(seed)
    values = torch.randn(batch, seq, heads, head_size, dtype=torch.float64, requires_grad=True)
    kernels = torch.randn(batch, seq, heads, 2 * reach + 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(apply_kernels, (values, kernels))
    assert torch.autograd.gradgradcheck(apply_kernels, (values, kernels))


@pytest.mark.parametrize("learns", ["values", "kernels"])
def test_a_gradient_is_found_where_only_one_side_learns(learns: str):
    torch.manual_seed(0)
    inputs = {"values": torch.randn(2, 5, 2, 3), "kernels": torch.randn(2, 5, 2, 3)}
    inputs[learns].requires_grad_()
    (gradient,) = torch.autograd.grad(apply_kernels(**inputs).square().sum(), inputs[learns])
    (expected,) = torch.autograd.grad(dynamic_conv(**inputs).square().sum(), inputs[learns])
    assert_same_numbers(gradient, expected)


def test_autocast_leaves_the_span_filters_in_full_precision():
    layer = build(SpanDynamicConvolution)
    query, hidden_states = torch.randn(2, SEQ, BRANCH), torch.randn(2, SEQ, HIDDEN)
    exact, _ = layer(query, hidden_states)
    # Both occur, with and without a projection before.
    for inputs in (hidden_states, hidden_states.bfloat16()):
        with torch.autocast("cpu", torch.bfloat16):
            rounded, _ = layer(query, inputs)
        assert rounded.dtype == torch.bfloat16
        torch.testing.assert_close(rounded.float(), exact, atol=0.1, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_are_weights_of_an_average(kind: type[ConvolutionHeads]):
    _, kernels = build(kind)(torch.randn(2, SEQ, BRANCH), torch.randn(2, SEQ, HIDDEN))
    assert kernels.shape == (2, HEADS, SEQ, KERNEL)
    assert (kernels > 0).all()
    assert_same_numbers(kernels.sum(-1), torch.ones(2, HEADS, SEQ))


@pytest.mark.parametrize("kind", KINDS)
def test_each_head_weighs_its_own_channels(kind: type[ConvolutionHeads]):
    layer, query, hidden_states = build(kind), torch.randn(2, SEQ, BRANCH), torch.randn(2, SEQ, HIDDEN)
    out, kernels = layer(query, hidden_states)
    values = hidden_states @ layer.value.weight.T + layer.value.bias
    expected = torch.zeros_like(out)
    for head, channels in enumerate([slice(0, 8), slice(8, 16)]):
        for t in range(SEQ):
            for j in range(KERNEL):
                if 0 <= t + j - 2 < SEQ:
                    expected[:, t, channels] += kernels[:, head, t, j, None] * values[:, t + j - 2, channels]
    assert_same_numbers(out, expected)


@pytest.mark.parametrize(
    ("kind", "same"), [(FixedConvolution, True), (DynamicConvolution, True), (SpanDynamicConvolution, False)]
)
def test_one_word_in_two_contexts(kind: type[ConvolutionHeads], same: bool):
    """The same vector at positions 3 and 8 has other neighbours there: only the span-based kernel notices."""
    layer, query, hidden_states = build(kind), torch.randn(1, SEQ, BRANCH), torch.randn(1, SEQ, HIDDEN)
    hidden_states[:, 8], query[:, 8] = hidden_states[:, 3], query[:, 3]
    _, kernels = layer(query, hidden_states)
    difference = (kernels[:, :, 3] - kernels[:, :, 8]).abs().max()
    assert difference < rounding(1.0) if same else difference > 0.01


@pytest.mark.parametrize(
    ("kind", "same"), [(FixedConvolution, True), (DynamicConvolution, False), (SpanDynamicConvolution, False)]
)
def test_two_words_in_one_sentence(kind: type[ConvolutionHeads], same: bool):
    _, kernels = build(kind)(torch.randn(1, SEQ, BRANCH), torch.randn(1, SEQ, HIDDEN))
    difference = (kernels[:, :, 3] - kernels[:, :, 8]).abs().max()
    assert difference < rounding(1.0) if same else difference > 0.01


def positions_that_matter(outputs: torch.Tensor, inputs: torch.Tensor) -> list[int]:
    """The tokens of `inputs` on which `outputs` depend, by their gradient."""
    weights = torch.linspace(1, 2, outputs.numel()).view_as(outputs)  # kernels sum to 1: no plain sum
    (gradient,) = torch.autograd.grad((outputs * weights).sum(), inputs, retain_graph=True)
    return gradient.abs().sum((0, 2)).nonzero().flatten().tolist()


@pytest.mark.parametrize("t", [0, 1, 6, SEQ - 1])
def test_reach(t: int):
    """Values reach k//2 to both sides; so does the span that a kernel is made from; nothing reaches further."""
    window = [position for position in range(t - 2, t + 3) if 0 <= position < SEQ]
    for kind in KINDS:
        hidden_states = torch.randn(1, SEQ, HIDDEN, requires_grad=True)
        out, kernels = build(kind)(torch.randn(1, SEQ, BRANCH), hidden_states)
        assert positions_that_matter(out[:, t], hidden_states) == window
    assert kind is SpanDynamicConvolution
    assert positions_that_matter(kernels[:, :, t], hidden_states) == window


@pytest.mark.parametrize("kind", [FixedConvolution, DynamicConvolution])
def test_without_a_span_key_kernels_see_the_query_alone(kind: type[ConvolutionHeads]):
    query, hidden_states = torch.randn(1, SEQ, BRANCH), torch.randn(1, SEQ, HIDDEN)
    layer = build(kind)
    _, kernels = layer(query, hidden_states)
    _, elsewhere = layer(query, torch.randn(1, SEQ, HIDDEN))
    assert_same_numbers(kernels, elsewhere)


def test_a_change_outside_the_window_changes_nothing():
    layer, query, hidden_states = (
        build(SpanDynamicConvolution),
        torch.randn(1, SEQ, BRANCH),
        torch.randn(1, SEQ, HIDDEN),
    )
    changed = hidden_states.clone()
    changed[:, 8] += 100
    before, after = layer(query, hidden_states)[0], layer(query, changed)[0]
    difference = (before - after).abs().amax(-1)[0]
    differs = difference > rounding(largest(before))
    assert (difference[differs] > 0.01).all(), "clearly changed, or not at all"
    assert differs.nonzero().flatten().tolist() == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_takes_padding_out_of_every_window(kind: type[ConvolutionHeads]):
    """With a mask the real tokens get what they get in a sentence that ends where they end."""
    layer, query, hidden_states = build(kind), torch.randn(1, SEQ, BRANCH), torch.randn(1, SEQ, HIDDEN)
    for real in (slice(0, 7), slice(5, SEQ)):  # padding on the right, padding on the left
        mask = torch.zeros(1, SEQ)
        mask[:, real] = 1
        out, kernels = layer(query, hidden_states, mask)
        alone, kernels_alone = layer(query[:, real], hidden_states[:, real])
        assert_same_numbers(out[:, real], alone)
        assert_same_numbers(kernels[:, :, real], kernels_alone)
        leaked, _ = layer(query, hidden_states)
        assert not torch.allclose(leaked[:, real], alone)


def test_the_interface_alone_has_no_kernels():
    layer = ConvolutionHeads(tiny_config())
    with pytest.raises(NotImplementedError, match="use FixedConvolution, DynamicConvolution or"):
        layer(torch.randn(1, 3, BRANCH), torch.randn(1, 3, HIDDEN))
