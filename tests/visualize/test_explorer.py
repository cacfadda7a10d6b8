"""The explorer without a browser: choices, texts, models, controls, and what a notebook is given to show."""

import base64
import io
import sys

import matplotlib.pyplot as plt
import pytest
import torch

from convbert_edu import ConvBertForSequenceClassification, ConvBertModel, ConvBertTokenizer
from convbert_edu.visualize import describe, explore, plot_token
from convbert_edu.visualize.explorer_controls import _Controls
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers

WORDS = "a film that is not great < 电".split()
TEXT = "a film that is not great"
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])


@pytest.fixture
def model() -> ConvBertModel:
    model = ConvBertModel(tiny_config()).eval()
    randomise(model)
    return model


@pytest.fixture
def shallow() -> ConvBertForSequenceClassification:
    config = tiny_config(num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=20)
    return ConvBertForSequenceClassification(config).eval()


def drawn(figure):
    """The heights of the bars of attention and of the kernel."""
    attention, kernel = figure.axes
    return attention.patches[-1].get_data().values[::2], [bar.get_height() for bar in kernel.containers[0]]


def test_the_figure_shows_the_chosen_row_and_kernel(model, tokenizer):
    explorer = explore(model, tokenizer, TEXT, layer=1, head=1, position=5)
    batch = tokenizer(TEXT, return_tensors="pt")
    result = model(**batch, output_attentions=True, output_conv_kernels=True)
    attention, kernel = drawn(explorer.figure())
    assert_same_numbers(torch.tensor(attention).float(), result.attentions[1][0, 1, 5])
    assert_same_numbers(torch.tensor(kernel).float(), result.conv_kernels[1][0, 1, 5])
    labels = [label.get_text() for label in explorer.figure().axes[1].get_xticklabels()]
    assert labels == ["that", "is", "not", "great", "[SEP]"]
    assert describe(explorer.figure()).startswith("What 'not' looks at (layer 1, head 1)")


def test_a_window_that_leaves_the_sentence_has_empty_words(model, tokenizer):
    figure = explore(model, tokenizer, TEXT, position=0).figure()
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["", "", "[CLS]", "a", "film"]


def test_a_pair_is_read_as_two_segments(model, tokenizer):
    explorer = explore(model, tokenizer, "a film", "not great")
    assert explorer.tokens == ["[CLS]", "a", "film", "[SEP]", "not", "great", "[SEP]"]
    assert explorer.batch["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1]]


def test_each_model_reads_a_text_once(model, tokenizer, monkeypatch):
    explorer, calls = explore(model, tokenizer, TEXT), []
    model.register_forward_hook(lambda *_: calls.append(1))
    for layer in (0, 1, 0):
        explorer.choose(layer=layer)
        explorer.figure()
    assert len(calls) == 1


def test_controls_follow_and_the_picture_changes(model, tokenizer):
    controls = _Controls(explore({"pretrained": model}, tokenizer, TEXT))
    seen = [controls.picture.value]
    for change in (
        lambda: setattr(controls.layer, "value", 1),
        lambda: setattr(controls.head, "value", 1),
        lambda: setattr(controls.token, "value", 4),
        lambda: setattr(controls.text, "value", "a great film"),
        lambda: setattr(controls.pair, "value", "not great"),
    ):
        change()
        seen.append(controls.picture.value)
    assert len(set(seen)) == len(seen)
    assert [label for label, _ in controls.token.options] == controls.explorer.tokens
    assert controls.explorer.text_pair == "not great"
    assert 'alt="What ' in controls.picture.value
    assert "<bdi" in controls.sentence.value


def test_another_model_may_have_fewer_layers_heads_and_tokens(model, shallow, tokenizer):
    controls = _Controls(explore({"deep": model, "shallow": shallow}, tokenizer, TEXT, layer=1, head=1))
    controls.model.value = "shallow"
    assert (controls.explorer.name, controls.layer.value, controls.head.value) == ("shallow", 0, 0)
    assert tuple(controls.layer.options) == tuple(controls.head.options) == (0,)
    controls.model.value = "deep"
    assert tuple(controls.layer.options) == (0, 1)


def test_an_emptied_text_leaves_the_picture_and_says_why(model, tokenizer):
    controls = _Controls(explore(model, tokenizer, TEXT))
    before = controls.picture.value
    controls.text.value = "  "
    assert controls.picture.value == before
    assert controls.notice.value == "text is empty; give a sentence with at least one word"
    controls.text.value = "a film"
    assert controls.notice.value == ""


def test_signs_of_html_in_a_text_stay_text(model, tokenizer):
    controls = _Controls(explore(model, tokenizer, "< film", position=1))
    assert "What &#x27;&lt;&#x27; looks at" in controls.picture.value
    assert ">&lt;</bdi>" in controls.sentence.value


def test_a_long_text_is_cut_for_the_model_with_the_shortest_reach(model, shallow, tokenizer):
    with pytest.warns(
        UserWarning, match="has 62 tokens and was cut at its end to the 20 that the model reads"
    ):
        explorer = explore({"deep": model, "shallow": shallow}, tokenizer, f"{TEXT} " * 10)
    assert len(explorer.tokens) == 20
    assert "cut at its end" in _Controls(explorer).notice.value


def test_a_notebook_gets_controls_and_a_described_picture(model, tokenizer):
    data, metadata = explore(model, tokenizer, TEXT)._repr_mimebundle_()
    assert WIDGET in data
    pixels = plt.imread(io.BytesIO(base64.b64decode(data["image/png"])))
    assert pixels[0, 0].tolist() == [1, 1, 1, 1]
    assert metadata["image/png"]["alt"].startswith("What 'a' looks at")
    assert data["text/plain"].startswith("Explorer of 8 tokens: model, layer 0, head 0, token 1 'a'")


def test_without_ipywidgets_there_is_still_the_picture(model, tokenizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # import ipywidgets fails
    monkeypatch.delitem(sys.modules, "convbert_edu.visualize.explorer_controls")
    data, _ = explore(model, tokenizer, TEXT)._repr_mimebundle_()
    assert data.keys() == {"image/png", "text/plain"}


def test_a_result_without_kernels_shows_its_attention_alone(model, tokenizer):
    batch = tokenizer(TEXT, return_tensors="pt")
    result = model(**batch, output_attentions=True)
    assert len(plot_token(result, batch.tokens(), 1, layer=0, head=0).axes) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ""}, "text is empty; give a sentence with at least one word"),
        ({"text": " \n"}, "text is empty"),
        ({"model": {}}, "model is an empty dictionary; give at least one model"),
        ({"layer": 2}, "layer is 2; it must be 0 to 1"),
        ({"head": -1}, "head is -1; it must be 0 to 1"),
        ({"position": 8}, "position is 8; it must be 0 to 7"),
    ],
)
def test_what_cannot_be_explored_is_refused(model, tokenizer, arguments, message):
    with pytest.raises(ValueError, match=message):
        explore(**({"model": model, "tokenizer": tokenizer, "text": TEXT} | arguments))


def test_a_model_in_training_and_an_unknown_one_are_refused(model, tokenizer):
    explorer = explore({"mine": model}, tokenizer, TEXT)
    with pytest.raises(ValueError, match="there is no model 'yours'; choose one of mine"):
        explorer.choose(name="yours")
    assert explorer.name == "mine"
    with pytest.raises(ValueError, match=r"'mine' is in training mode, so dropout is on; call .eval\(\)"):
        explore({"mine": model.train()}, tokenizer, TEXT)
