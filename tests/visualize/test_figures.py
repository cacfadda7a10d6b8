"""Attention maps and kernels: the picture holds the numbers, and its labels can be read."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from convbert_edu.visualize import plot_attention, plot_attention_heads, plot_kernel_bars, plot_kernels

WORDS = "[CLS] an extraordinarily long , un ##watch ##able film for $ 5 ? or $ 7 ! [SEP]".split()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def tokens(count: int) -> list[str]:
    return [WORDS[position % len(WORDS)] for position in range(count)]


def weights(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)


def assert_labels_apart(figure) -> None:
    """Every pair of neighbouring tick labels, as drawn, leaves a gap."""
    figure.draw_without_rendering()
    for ax in figure.axes:
        for axis, low, high in ((ax.xaxis, "x0", "x1"), (ax.yaxis, "y0", "y1")):
            labels = [label for label in axis.get_ticklabels() if label.get_visible() and label.get_text()]
            boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: getattr(box, low))
            for before, after in itertools.pairwise(boxes):
                assert getattr(before, high) <= getattr(after, low)


def labels_of(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize("count", [1, 5, 30, 128])
def test_labels_never_overlap(count):
    assert_labels_apart(plot_attention(weights(count, count), tokens(count)))
    assert_labels_apart(plot_kernels(weights(count, 9), tokens(count)))


@pytest.mark.parametrize(("heads", "count"), [(1, 5), (3, 30), (6, 128)])
def test_labels_of_a_grid_of_heads_never_overlap(heads, count):
    assert_labels_apart(plot_attention_heads(weights(heads, count, count), tokens(count)))


@pytest.mark.parametrize("size", [1, 3, 9, 11])
def test_labels_of_bars_never_overlap(size):
    assert_labels_apart(plot_kernel_bars(weights(size), ["extraordinarily"] * size))


def test_labels_never_overlap_in_given_axes():
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    assert plot_attention(weights(60, 60), tokens(60), ax=axes[0]) is figure
    assert plot_kernels(weights(60, 9), tokens(60), ax=axes[1]) is figure
    assert plot_kernel_bars(weights(9), tokens(9), ax=axes[2]) is figure
    assert_labels_apart(figure)


def test_an_attention_map_holds_the_weights_and_the_tokens():
    attention = weights(6, 6)
    ax = plot_attention(attention, WORDS[:6], title="Layer 1").axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), attention.numpy())
    assert labels_of(ax.yaxis) == labels_of(ax.xaxis) == WORDS[:6]
    assert ax.get_title() == "Layer 1"


def test_several_heads_in_one_map_are_averaged():
    attention = weights(4, 6, 6)
    ax = plot_attention(attention, WORDS[:6]).axes[0]
    np.testing.assert_allclose(ax.images[0].get_array(), attention.numpy().mean(axis=0), rtol=1e-5)
    assert ax.get_title() == "Mean of 4 heads"


def test_a_grid_shows_every_head_on_one_scale():
    attention = weights(6, 5, 5)
    panels = [ax for ax in plot_attention_heads(attention, WORDS[:5]).axes if ax.images and ax.get_title()]
    assert [ax.get_title() for ax in panels] == [f"head {number}" for number in range(6)]
    for number, ax in enumerate(panels):
        np.testing.assert_array_equal(ax.images[0].get_array(), attention[number].numpy())
        assert ax.images[0].get_clim() == (0, float(attention.max()))


def test_a_map_of_kernels_has_a_column_for_each_offset():
    kernels = weights(6, 5)
    ax = plot_kernels(kernels, WORDS[:6]).axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), kernels.numpy())
    assert labels_of(ax.xaxis) == ["-2", "-1", "0", "+1", "+2"]
    assert labels_of(ax.yaxis) == WORDS[:6]


def test_bars_are_as_high_as_the_weights_and_stand_over_their_words():
    ax = plot_kernel_bars(torch.tensor([0.1, 0.7, 0.2]), ["", "can", "fish"]).axes[0]
    bars = ax.containers[0].patches
    assert [round(bar.get_height(), 6) for bar in bars] == [0.1, 0.7, 0.2]
    assert labels_of(ax.xaxis) == ["", "can", "fish"]


def test_weights_that_need_gradients_or_half_precision_are_drawn():
    plot_attention(weights(5, 5).requires_grad_(), tokens(5))
    plot_kernels(weights(5, 3).bfloat16(), tokens(5))
    plot_kernel_bars(weights(3).bfloat16().requires_grad_(), tokens(3))


def test_a_dollar_sign_is_not_a_formula():
    figure = plot_attention(weights(2, 2), ["$5", r"$\frac$"])
    figure.draw_without_rendering()  # as a formula the second would be refused here


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_attention(weights(7, 7), tokens(6)), "6 tokens but 7 rows of attention"),
        (lambda: plot_attention(weights(6, 7), tokens(6)), "6 tokens but 7 columns of attention"),
        (lambda: plot_attention_heads(weights(2, 7, 7), tokens(6)), "6 tokens but 7 rows of attention"),
        (lambda: plot_kernels(weights(7, 9), tokens(6)), "6 tokens but 7 kernels"),
        (lambda: plot_kernel_bars(weights(9), tokens(6)), "6 tokens but 9 weights in the kernel"),
    ],
)
def test_lengths_that_disagree_are_both_named(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
