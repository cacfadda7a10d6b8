"""Choosing a sentence, a layer and a head from a model's result, and every choice that cannot be made."""

import numpy as np
import pytest
import torch

from convbert_edu import ConvBertModel
from convbert_edu.models.outputs import EncoderOutput
from convbert_edu.visualize import (
    describe,
    plot_attention,
    plot_attention_grid,
    plot_attention_heads,
    plot_by_layer,
    plot_curves,
    plot_kernel_bars,
    plot_kernels,
    plot_kernels_grid,
    plot_mixed_attention,
    plot_receptive_field,
    plot_saliency,
    plot_two_contexts,
)
from helpers import tiny_config
from visualize.figure_cases import tokens, weights

SEVEN = tokens(7)


def result_of(rows: int, **flags: bool) -> EncoderOutput:
    torch.manual_seed(0)
    model = ConvBertModel(tiny_config()).eval()
    return model(torch.randint(5, 99, (rows, 7)), **flags)


@pytest.fixture(scope="module")
def one() -> EncoderOutput:
    return result_of(1, output_attentions=True, output_conv_kernels=True)


@pytest.fixture(scope="module")
def three() -> EncoderOutput:
    return result_of(3, output_attentions=True, output_conv_kernels=True)


def drawn(figure) -> np.ndarray:
    return figure.axes[0].images[0].get_array()


def test_layer_head_and_sentence_are_those_asked_for(one, three):
    figure = plot_attention(three, SEVEN, layer=1, head=0, index=2)
    np.testing.assert_array_equal(drawn(figure), three.attentions[1][2, 0].detach().numpy())
    assert figure.axes[0].get_title() == "Attention: layer 1, head 0"
    figure = plot_kernels(one, SEVEN, layer=0, head=1)
    np.testing.assert_array_equal(drawn(figure), one.conv_kernels[0][0, 1].detach().numpy())
    assert describe(figure).startswith("Kernels: layer 0, head 1, as a map")


def test_without_a_head_the_mean_of_all_is_drawn(one):
    figure = plot_kernels(one, SEVEN, layer=1)
    np.testing.assert_allclose(drawn(figure), one.conv_kernels[1][0].mean(dim=0).detach().numpy(), rtol=1e-5)
    assert figure.axes[0].get_title() == "Kernels: layer 1, mean of 2 heads"


def test_a_grid_holds_every_layer_and_head_in_its_place(one):
    table = drawn(plot_attention_grid(one, SEVEN))
    assert table.shape == (2 * 7, 2 * 7)
    for layer in range(2):
        for head in range(2):
            drawn_map = table[layer * 7 : (layer + 1) * 7, head * 7 : (head + 1) * 7]
            np.testing.assert_array_equal(drawn_map, one.attentions[layer][0, head].detach().numpy())
    assert drawn(plot_kernels_grid(one, SEVEN)).shape == (2 * 7, 2 * 5)


def test_mixed_attention_shows_the_kernels_as_a_band(one):
    left, right = plot_mixed_attention(one, one, SEVEN, layer=0, head=1).axes[:2]
    np.testing.assert_array_equal(left.images[0].get_array(), one.attentions[0][0, 1].detach().numpy())
    band, kernels = right.images[0].get_array(), one.conv_kernels[0][0, 1].detach().numpy()
    for t in range(7):
        for j in range(7):
            weight = kernels[t, j - t + 2] if abs(t - j) <= 2 else 0.0
            assert band[t, j] == weight


def test_the_receptive_field_shows_zero_as_no_colour():
    influence = torch.tensor([[0.0, 1e-3, 1.0, 1e-9, 0.0]])
    shown = drawn(plot_receptive_field(influence, tokens(5), 2))
    assert shown.mask[0].tolist() == [True, False, False, False, True]
    np.testing.assert_allclose(shown[0, 1:4], [-3, 0, -6], atol=1e-6)


def test_every_layer_of_the_deepest_model_has_its_tick():
    figure = plot_by_layer({"deep": torch.rand(7, 2), "shallow": torch.rand(3, 2)}, "distance")
    assert figure.axes[0].get_xticks().tolist() == list(range(7))


def test_numbers_by_layer_are_drawn_head_by_head_with_their_mean():
    table = torch.tensor([[1.0, 3.0], [2.0, 6.0]])
    first, second, mean = plot_by_layer({"heads": table}, "distance").axes[0].lines
    assert list(first.get_ydata()) == [1, 2]
    assert list(second.get_ydata()) == [3, 6]
    assert list(mean.get_ydata()) == [2, 4]


def test_the_band_of_a_curve_is_students_interval():
    runs = torch.tensor([[1.0], [2.0], [3.0]]).expand(3, 2)
    ax = plot_curves({"loss": runs}, [0, 1]).axes[0]
    low, high = ax.collections[0].get_paths()[0].get_extents().intervaly
    half = 4.302653 * 1.0 / 3**0.5  # t at 97.5% with 2 degrees of freedom, from a printed table
    assert low == pytest.approx(2 - half, rel=1e-5)
    assert high == pytest.approx(2 + half, rel=1e-5)


def test_curves_are_described_with_numbers_that_can_be_read_aloud():
    runs = torch.tensor([[2.0, 1.0]])
    fig = plot_curves({"loss": runs}, [0.0, 1805.9016393442623], xlabel="tweets read")
    assert describe(fig) == "Loss over tweets read 0 to 1805.9: loss goes from 2.00 to 1.00."
    fig = plot_curves({"loss": runs}, [0, 600])
    assert describe(fig) == "Loss over steps 0 to 600: loss goes from 2.00 to 1.00."


def test_sentences_of_two_contexts_share_one_scale():
    kernels = {"dynamic": (torch.tensor([0.2, 0.6, 0.2]), torch.tensor([0.1, 0.1, 0.8]))}
    left, right = plot_two_contexts(kernels, (["a", "can", "x"], ["you", "can", "y"])).axes
    assert left.get_ylim() == right.get_ylim() == pytest.approx((0, 0.88))


NO_ATTENTIONS = "the result holds no attentions; call the model with output_attentions=True"
NO_KERNELS = "the result holds no conv_kernels; call the model with output_conv_kernels=True"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda r: plot_attention(r, SEVEN), "the result holds 2 layers; say which one: layer=0 to 1"),
        (lambda r: plot_attention(r, SEVEN, layer=2), "layer is 2; it must be 0 to 1"),
        (lambda r: plot_attention(r, SEVEN, layer=-1), "layer is -1; it must be 0 to 1"),
        (lambda r: plot_attention(r, SEVEN, layer=0, head=2), "head is 2; it must be 0 to 1"),
        (lambda r: plot_attention(r, SEVEN, layer=0, index=1), "index is 1; it must be 0 to 0"),
        (lambda r: plot_kernels(r, SEVEN, layer=0, head=5), "head is 5; it must be 0 to 1"),
        (lambda r: plot_attention(r, tokens(6), layer=0), "6 tokens but 7 rows of attention"),
        (lambda r: plot_attention_grid(r, tokens(8)), "8 tokens but 7 rows of attention"),
        (lambda r: plot_kernels_grid(r, tokens(8)), "8 tokens but 7 kernels"),
        (lambda r: plot_mixed_attention(r, r, tokens(8), layer=0), "8 tokens but 7 rows of attention"),
        (lambda r: plot_attention(r, [], layer=0), "there are no tokens; give a text with at least one word"),
        (lambda r: plot_attention(weights(7, 7), SEVEN, layer=0), "layer=0 chooses from a model's result, but"),
        (lambda r: plot_attention_grid(weights(1, 1, 7, 7), SEVEN, index=0), "index=0 chooses from"),
        (lambda r: plot_receptive_field(weights(2, 7), SEVEN, 7), "position is 7; it must be 0 to 6"),
        (lambda r: plot_receptive_field(weights(2, 7), tokens(6), 0), "6 tokens but 7 columns of influence"),
        (lambda r: plot_saliency(weights(7), tokens(6)), "6 tokens but 7 numbers"),
        (lambda r: plot_kernel_bars(weights(0), []), "there are no tokens"),
        (lambda r: plot_two_contexts({}, (["a"], ["b"])), "kernels is empty"),
        (lambda r: plot_by_layer({}, "x"), "values has 0 groups; 1 to 4 can be told apart"),
        (
            lambda r: plot_by_layer(dict.fromkeys("abcde", torch.rand(2, 2)), "x", parts=["query"] * 5),
            "values has 5 groups; 1 to 4 can be told apart",
        ),
        (lambda r: plot_curves({str(i): weights(1, 2) for i in range(7)}, [0, 1]), "there are 7 curves; 1 to 6"),
        (lambda r: plot_curves({"a": weights(1, 2)}, [0]), "curve 'a' has 2 points but there are 1 steps"),
        (lambda r: plot_attention_heads(weights(2, 7, 6), SEVEN), "7 tokens but 6 columns"),
    ],
)  # fmt: skip
def test_impossible_choices_are_refused_with_what_is_possible(one, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(one)


@pytest.mark.parametrize("draw", [plot_attention_grid, plot_kernels_grid])
def test_several_sentences_need_an_index(three, draw):
    with pytest.raises(ValueError, match="the result holds 3 sentences; say which one: index=0 to 2"):
        draw(three, SEVEN)
    with pytest.raises(ValueError, match="index is 3; it must be 0 to 2"):
        draw(three, SEVEN, index=3)
    assert draw(three, SEVEN, index=1).axes


def test_what_was_not_asked_for_is_named_with_its_flag():
    blind = result_of(1)
    with pytest.raises(ValueError, match=NO_ATTENTIONS):
        plot_attention(blind, SEVEN, layer=0)
    with pytest.raises(ValueError, match=NO_KERNELS):
        plot_kernels_grid(blind, SEVEN)
    with pytest.raises(ValueError, match=NO_KERNELS):
        plot_mixed_attention(result_of(1, output_attentions=True), blind, SEVEN, layer=0)
