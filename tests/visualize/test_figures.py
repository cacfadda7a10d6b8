"""Attention maps and kernels: the picture holds the numbers, and its labels can be read."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from convbert_edu.visualize import (
    describe,
    plot_attention,
    plot_attention_grid,
    plot_attention_heads,
    plot_by_head,
    plot_kernel_bars,
    plot_kernels,
    plot_kernels_grid,
)

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


def ticks(axis) -> list[tuple[float, str]]:
    """Where the ticks of an axis stand, as drawn, and what is written there."""
    axis.get_figure(root=True).draw_without_rendering()
    return [(tick.get_loc(), tick.label1.get_text()) for tick in axis._update_ticks()]


def test_every_map_of_a_grid_has_its_tokens_below_and_beside_it():
    ax = plot_attention_grid(weights(2, 3, 5, 5), WORDS[:5]).axes[0]
    assert ticks(ax.xaxis) == list(enumerate(WORDS[:5] * 3))
    assert ticks(ax.yaxis) == list(enumerate(WORDS[:5] * 2))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("looked at (key)", "looking (query)")


@pytest.mark.parametrize(("heads", "count"), [(3, 30), (6, 24), (12, 60)])
def test_where_a_grid_has_no_room_every_map_has_the_same_few_tokens(heads, count):
    words = [f"word{position}" for position in range(count)]
    figure = plot_attention_grid(weights(2, heads, count, count), words)
    assert_labels_apart(figure)
    for axis, repeats in ((figure.axes[0].xaxis, heads), (figure.axes[0].yaxis, 2)):
        shown = ticks(axis)
        assert all(label == words[round(place) % count] for place, label in shown)
        in_each = [
            [place % count for place, _ in shown if place // count == table] for table in range(repeats)
        ]
        assert 1 < len(in_each[0]) < count
        assert in_each == [in_each[0]] * repeats


@pytest.mark.parametrize(
    ("size", "expected"),
    [(9, [(2, "-2"), (4, "0"), (6, "+2")]), (3, [(0, "-1"), (1, "0"), (2, "+1")]), (1, [(0, "0")])],
)
def test_every_table_of_kernels_has_its_offsets_below_it(size, expected):
    ax = plot_kernels_grid(weights(2, 3, 5, size), WORDS[:5]).axes[0]
    assert ticks(ax.xaxis) == [(head * size + place, label) for head in range(3) for place, label in expected]
    assert ticks(ax.yaxis) == list(enumerate(WORDS[:5] * 2))


@pytest.mark.parametrize("draw", [plot_attention_grid, plot_kernels_grid])
def test_a_grid_says_which_head_and_which_layer(draw):
    above, right = draw(weights(2, 3, 5, 5), WORDS[:5]).axes[0].child_axes
    assert [tick.get_text() for tick in above.get_xticklabels()] == ["0", "1", "2"]
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["0", "1"]
    assert list(above.get_xticks()) == [2, 7, 12]  # the middle columns of three tables of five
    assert list(right.get_yticks()) == [2, 7]


def test_one_number_for_each_head_is_written_in_its_cell_on_one_colour_scale():
    tables = {
        "attention heads": torch.tensor([[0.1, 0.2], [0.3, 0.04]]),
        "kernels": torch.tensor([[0.9], [-0.001]]),
    }
    figure = plot_by_head(tables, "share", number_format=".0%")
    left, right = figure.axes[:2]
    assert [text.get_text() for text in left.texts] == ["10%", "20%", "30%", "4%"]
    assert [text.get_position() for text in left.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_text() for text in right.texts] == ["90%", "0%"]  # not "-0%"
    assert [text.get_color() for text in right.texts] == ["white", "black"]
    assert left.images[0].get_clim() == right.images[0].get_clim() == pytest.approx((0, 0.9))
    np.testing.assert_array_equal(left.images[0].get_array(), tables["attention heads"].numpy())
    assert "attention heads: Layer 1, head 0 has most, 30%; layer 1, head 1 least, 4%." in describe(figure)


def test_figures_of_heads_that_are_compared_may_share_a_scale():
    figure = plot_by_head({"heads": weights(2, 3)}, "share", largest=2.0)
    assert figure.axes[0].images[0].get_clim() == (0, 2)


def test_a_figure_of_no_heads_is_refused():
    with pytest.raises(ValueError, match="values is empty; give at least one table"):
        plot_by_head({}, "share")


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
