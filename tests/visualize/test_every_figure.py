"""What holds for every figure function: no words overlap, it is described, it draws where it is told to."""

import io
import warnings

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from convbert_edu.visualize import describe
from convbert_edu.visualize.style import families
from visualize.figure_cases import ARABIC, CHINESE, ENGLISH, HEBREW, OF_NUMBERS, OF_TOKENS, tokens
from visualize.text_boxes import assert_no_words_overlap, assert_words_inside

ALL = {name: (lambda draw=draw, **o: draw(tokens(7), **o)) for name, draw in OF_TOKENS.items()} | OF_NUMBERS


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("count", [1, 5, 128, 512])
@pytest.mark.parametrize("name", OF_TOKENS)
def test_words_stay_apart_in_short_and_long_sentences(name, count):
    figure = OF_TOKENS[name](tokens(count))
    assert_no_words_overlap(figure)
    assert_words_inside(figure)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_words_stay_apart_in_figures_of_numbers(name):
    figure = OF_NUMBERS[name]()
    assert_no_words_overlap(figure)
    assert_words_inside(figure)


@pytest.mark.parametrize("words", [HEBREW, ARABIC], ids=["hebrew", "arabic"])
@pytest.mark.parametrize("name", ["attention", "kernel_bars"])
def test_scripts_from_right_to_left_are_drawn_and_described(name, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a letter that the font lacks would warn
        figure = OF_TOKENS[name](words)
        assert_no_words_overlap(figure)
    assert any(word in describe(figure) for word in words[1:-1])


@pytest.mark.parametrize("name", ["attention", "kernel_bars", "receptive_field", "two_contexts"])
def test_chinese_is_drawn_or_its_missing_font_is_named(name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = OF_TOKENS[name](CHINESE)
        assert_no_words_overlap(figure)
    for warning in caught:  # none, where a font for Chinese is installed
        assert "Install a font that can, such as Noto Sans CJK" in str(warning.message)
    assert caught or len(families()) > 1
    assert "电" in describe(figure)


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_described_and_can_be_drawn_into_given_axes_beside_others(name):
    figure, (left, right) = plt.subplots(1, 2, figsize=(16, 6), layout="constrained")
    left.plot([1, 2])
    assert ALL[name](ax=right) is figure
    assert_no_words_overlap(figure)
    assert len(describe(figure)) > 60
    assert any(character.isdigit() for character in describe(figure))


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_opaque_and_has_named_axes_and_leaves_no_trace_in_matplotlib(name):
    before = dict(matplotlib.rcParams)
    figure, buffer = ALL[name](), io.BytesIO()
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before
    assert any(ax.get_xlabel() + ax.get_ylabel() for ax in figure.axes)
    figure.savefig(buffer)
    buffer.seek(0)
    assert plt.imread(buffer)[0, 0].tolist() == [1, 1, 1, 1]


def test_a_very_long_token_leaves_room_for_the_picture():
    figure = OF_TOKENS["attention"](["[CLS]", "Donaudampfschifffahrtsgesellschaft" * 3, "[SEP]"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[1] == "Donaudampfschifffahrtsg…"
    assert_words_inside(figure)


def test_letters_from_right_to_left_stand_from_right_to_left():
    from matplotlib.textpath import TextPath

    with matplotlib.rc_context({"font.family": families()}):
        alone = TextPath((0, 0), "ש").get_extents()
        both = TextPath((0, 0), "שו")  # the wide letter comes first, so it stands on the right
        right_half = both.vertices[both.vertices[:, 0] > both.get_extents().x1 - alone.width]
        assert len(right_half) >= len(TextPath((0, 0), "ש").vertices) - 2


def test_a_figure_of_others_is_not_described():
    with pytest.raises(ValueError, match="nobody knows what it shows"):
        describe(Figure())


def test_panels_need_axes_of_a_grid():
    free = Figure().add_axes((0.1, 0.1, 0.5, 0.5))
    with pytest.raises(ValueError, match="ax stands free in its figure"):
        OF_TOKENS["mixed_attention"](ENGLISH[:4], ax=free)
