"""The map of the whole model: what it says, where it says "you are here", and that it can be read."""

import io

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch

from convbert_edu.visualize import describe, display, plot_model_map, show_model_map
from visualize.text_boxes import assert_no_words_overlap, assert_words_inside

# The names by which a lesson asks for a part, and how the map writes them.
PARTS = {
    "tokens": "tokens",
    "embeddings": "embeddings",
    "self_attention": "self-attention",
    "convolution": "convolution",
    "mixed_attention": "mixed attention",
    "feed_forward": "feed-forward",
    "encoder": "encoder",
    "head": "head",
}
SHAPES = ("[B, n]", "[B, n, d]", "[B, n, a]", "[B, h, n, n]", "[B, n, h, k]", "[B, n, 2a]", "[B, n, v]")
SIGN = "you are here"


def words_of(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def place_of_the_sign(figure) -> tuple[float, float]:
    (sign,) = (text for text in figure.axes[0].texts if text.get_text() == SIGN)
    return sign.get_position()


def thick_boxes(figure) -> list[FancyBboxPatch]:
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    thinnest = min(box.get_linewidth() for box in boxes)
    return [box for box in boxes if box.get_linewidth() > thinnest]


@pytest.mark.parametrize("here", [None, *PARTS])
def test_the_map_can_be_read_wherever_the_reader_is(here):
    figure = plot_model_map(here)
    assert_no_words_overlap(figure)
    assert_words_inside(figure)
    assert min(text.get_fontsize() for text in figure.axes[0].texts if text.get_text()) >= 7.5  # points
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 700
    assert height <= 260


@pytest.mark.parametrize("here", PARTS)
def test_the_map_is_the_same_everywhere_but_for_the_sign(here):
    words = [word for word in words_of(plot_model_map(here)) if word != SIGN]
    assert sorted(words) == sorted(words_of(plot_model_map()))
    assert all(shape in " ".join(words) for shape in SHAPES)


@pytest.mark.parametrize("here", PARTS)
def test_the_part_is_marked_by_a_thick_box_bold_words_and_a_sign_beside_it(here):
    figure = plot_model_map(here)
    (box,) = thick_boxes(figure)
    bold = {text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"} - {SIGN, ""}
    (words,) = bold
    assert words.startswith(PARTS[here])
    x, y = place_of_the_sign(figure)
    assert box.get_x() - 20 <= x <= box.get_x() + box.get_width() + 20
    assert box.get_y() - 20 <= y <= box.get_y() + box.get_height() + 20


def test_nothing_is_marked_where_no_part_is_named():
    figure = plot_model_map()
    assert SIGN not in words_of(figure)
    assert thick_boxes(figure) == []
    assert {text.get_weight() for text in figure.axes[0].texts} == {"normal"}


def test_pale_words_stand_out_enough_and_the_others_more():
    def contrast(colour) -> float:
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in to_rgb(colour)]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        return 1.05 / (luminance + 0.05)

    found = {text.get_text(): contrast(text.get_color()) for text in plot_model_map("convolution").axes[0].texts}
    assert min(found.values()) >= 4.5  # WCAG 2, AA
    assert found["head"] < found["convolution\n[B, n, h, k]"]
    everything = plot_model_map().axes[0].texts
    assert {contrast(text.get_color()) for text in everything} == {contrast("black")}


@pytest.mark.parametrize(("here", "seen"), [("encoder", True), ("mixed_attention", True), ("head", False)])
def test_inside_the_marked_part_everything_is_clear(here, seen):
    colours = {text.get_text(): text.get_color() for text in plot_model_map(here).axes[0].texts}
    assert (colours["convolution\n[B, n, h, k]"] == "black") is seen
    assert (colours["concat"] == "black") is seen


@pytest.mark.parametrize("here", [None, *PARTS])
def test_the_map_is_described_with_its_shapes_and_the_place_of_the_reader(here):
    words = describe(plot_model_map(here))
    assert all(shape in words for shape in SHAPES)
    assert ("You are here" in words) is (here is not None)
    if here is not None:
        assert f"marks: {PARTS[here]}" in words


@pytest.mark.parametrize("draw", [plot_model_map, show_model_map])
def test_another_part_is_refused_and_the_known_ones_are_named(draw):
    with pytest.raises(ValueError, match="here is 'attention', which the map does not show; choose one of") as refused:
        draw("attention")
    assert all(repr(part) in str(refused.value) for part in PARTS)


def test_the_map_is_shown_with_its_description(monkeypatch):
    shown = []
    monkeypatch.setattr(display, "show", lambda figure: shown.append(describe(figure)))
    assert show_model_map("embeddings") is None
    assert shown == [describe(plot_model_map("embeddings"))]


def test_the_map_is_opaque_and_can_be_drawn_into_given_axes():
    figure, ax = plt.subplots(figsize=(6.2, 2.3), layout="constrained")
    assert plot_model_map("head", ax=ax) is figure
    plt.close(figure)
    buffer = io.BytesIO()
    plot_model_map().savefig(buffer)
    buffer.seek(0)
    assert plt.imread(buffer)[0, 0].tolist() == [1, 1, 1, 1]
    assert plt.get_fignums() == []
