"""Coloured tokens can be read on every colour, in every script, and hold the numbers that they show."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.visualize import colour_tokens, label_spans
from convbert_edu.visualize.coloured_tokens import LABEL_COLOURS, background_colour, letter_colour


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by the formula of the Web Content Accessibility Guidelines."""

    def luminance(colour: str) -> float:
        shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        r, g, b = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@given(share=st.floats(-1, 1), signed=st.booleans())
def test_letters_stand_out_on_every_score(share, signed):
    background = background_colour(share, signed)
    assert contrast(background, letter_colour(background)) >= 4.5


@pytest.mark.parametrize("background", LABEL_COLOURS)
def test_letters_stand_out_on_every_label(background):
    assert contrast(background, letter_colour(background)) >= 4.5


def test_scores_become_darker_and_stand_in_the_tooltip():
    shown = colour_tokens(torch.tensor([0.0, 0.5, 1.0]), ["the", "fake", "cat"], title="Replaced?")
    html = shown._repr_html_()
    assert re.findall(r'title="([\d.]+)">(\w+)<', html) == [("0", "the"), ("0.5", "fake"), ("1", "cat")]
    backgrounds = re.findall(r"<bdi style=\"background:(#\w{6})", html)
    brightness = [contrast("#ffffff", colour) for colour in backgrounds]
    assert brightness == sorted(brightness)
    assert brightness[0] < 1.2
    assert str(shown) == repr(shown) == "Replaced?: the (0) fake (0.5) cat (1)"


def test_below_zero_is_another_colour_than_above():
    html = colour_tokens(torch.tensor([-1.0, 0.0, 1.0]), ["a", "b", "c"])._repr_html_()
    low, middle, high = (
        [int(c[i : i + 2], 16) for i in (1, 3, 5)]
        for c in re.findall(r"<bdi style=\"background:(#\w{6})", html)
    )
    assert low[0] > low[2]  # orange
    assert high[2] > high[0]  # purple
    assert min(middle) > 240


def test_scores_of_zero_only_are_white():
    assert "(0)" in str(colour_tokens(torch.zeros(2), ["a", "b"]))


def test_labels_are_written_beside_their_tokens():
    shown = label_spans(["O", "PER", "PER", ""], ["by", "Jane", "Doe", "."])
    assert str(shown) == "by Jane [PER] Doe [PER] ."
    assert shown._repr_html_().count(">PER</small>") == 2


def test_the_page_around_does_not_matter():
    html = colour_tokens(torch.tensor([1.0]), ["a"])._repr_html_()
    assert html.startswith('<div style="background:#ffffff;color:#000000;')


def test_signs_of_html_are_text_and_scripts_have_their_own_direction():
    html = colour_tokens(torch.tensor([1.0, 0.5]), ["<b>", "שלום"], title="a < b")._repr_html_()
    assert "&lt;b&gt;" in html
    assert "a &lt; b" in html
    assert 'dir="auto"' in html
    assert html.count("<bdi ") == 2


def test_lengths_that_disagree_and_no_tokens_are_refused():
    with pytest.raises(ValueError, match="1 tokens but 2 scores"):
        colour_tokens(torch.zeros(2), ["a"])
    with pytest.raises(ValueError, match="2 tokens but 1 labels"):
        label_spans(["O"], ["a", "b"])
    with pytest.raises(ValueError, match="there are no tokens"):
        colour_tokens(torch.zeros(0), [])
