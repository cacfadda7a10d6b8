"""The explorer without a browser: choices, texts, models, controls, and what a notebook is given to show."""

import base64
import io
import json
import re
import sys

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForMultipleChoice,
    ConvBertForPreTraining,
    ConvBertForQuestionAnswering,
    ConvBertForSequenceClassification,
    ConvBertForTokenClassification,
    ConvBertModel,
    ConvBertTokenizer,
)
from convbert_edu.visualize import describe, explore, plot_token, side_by_side
from convbert_edu.visualize.explorer_controls import _Controls
from convbert_edu.visualize.mixed_attention import draw_token
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers
from visualize.figure_cases import ENGLISH, even_and_peaked, tokens
from visualize.text_boxes import assert_no_words_overlap, assert_words_inside

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


# The next layer is drawn into the figure of the last one.


def test_the_next_layer_is_drawn_once_and_not_laid_out_again(model, tokenizer, monkeypatch):
    calls = []
    for owner, name in ((ConstrainedLayoutEngine, "execute"), (Figure, "draw")):
        original = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *a, name=name, original=original: calls.append(name) or original(*a)
        )
    explorer = explore(model, tokenizer, TEXT)
    for choice, expected in (
        ({}, ["execute", "draw"]),
        ({"layer": 1}, ["draw"]),
        ({"head": 1}, ["draw"]),
        # Other words stand in the window.
        ({"position": 2}, ["execute", "draw"]),
    ):
        calls.clear()
        explorer.choose(**choice)
        explorer.png()
        assert calls == expected, choice


def test_a_kept_figure_looks_as_if_drawn_anew(model, shallow, tokenizer):
    """Dot by dot, whatever was drawn before, and nothing of that is left."""
    models = {"deep": model, "shallow": shallow, "bert": with_head(ConvBertModel, attention_only=True)}
    kept = explore(models, tokenizer, TEXT)
    seen = set()
    for change in (
        lambda explorer: explorer.choose(layer=1),
        lambda explorer: explorer.choose(head=1),
        lambda explorer: explorer.switch("attention", 0, layer=0),
        lambda explorer: explorer.choose(position=4),
        lambda explorer: explorer.mask(4),
        lambda explorer: explorer.choose(view="all kernels"),
        lambda explorer: explorer.choose(view="one token", layer=0),
        lambda explorer: explorer.choose(name="shallow", head=0),
        lambda explorer: explorer.choose(name="bert"),
        lambda explorer: explorer.read("a great film"),
    ):
        change(kept)
        fresh = explore(models, tokenizer, kept.text)
        fresh.masked, fresh.off = set(kept.masked), set(kept.off)
        fresh.choose(name=kept.name, layer=kept.layer, head=kept.head, position=kept.position, view=kept.view)
        assert kept.png() == fresh.png()
        seen.add(kept.png()[0])
    assert len(seen) == 10


@pytest.mark.parametrize("count", [5, 40, 128, 512])
@pytest.mark.parametrize(
    "words", [ENGLISH, ["incomprehensibilities", "Donaudampfschifffahrtsgesellschaft", "a"]]
)
def test_words_stay_apart_and_inside_when_the_layer_changes(words, count):
    """The numbers beside the axes are as long as 0.0020 in layer 0 and as short as 1.0 in layer 1."""
    words = tokens(count, words)
    for first, then in ((0, 1), (1, 0)):
        figure = plot_token(even_and_peaked(count), words, count // 2, layer=first, head=0)
        figure.get_layout_engine().execute(figure)
        figure.set_layout_engine("none")
        draw_token(figure.axes, even_and_peaked(count), words, count // 2, layer=then, head=0)
        assert_no_words_overlap(figure)
        assert_words_inside(figure)
        assert [len(ax.containers) for ax in figure.axes] == [0, 1]


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


# What changes, and what is predicted.


def with_head(model_class, **fields):
    model = model_class(tiny_config(**fields)).eval()
    randomise(model)
    return model


def test_a_masked_token_is_read_as_mask_and_can_be_put_back(tokenizer):
    model = with_head(ConvBertForMaskedLM)
    explorer = explore(model, tokenizer, TEXT, position=5)
    plain = explorer.prediction()
    explorer.mask(5)
    assert explorer.tokens[5] == "[MASK]"
    batch = tokenizer("a film that is [MASK] great", return_tensors="pt")
    probs = model(**batch).logits[0, 5].softmax(-1)[: len(tokenizer)]
    title, answers = explorer.prediction()
    assert title == "What fits where '[MASK]' stands"
    assert [prob for _, prob in answers] == pytest.approx(probs.topk(5).values.tolist(), rel=1e-4)
    assert [tokenizer.convert_tokens_to_ids(token) for token, _ in answers] == probs.topk(5).indices.tolist()
    explorer.mask(5, masked=False)
    assert explorer.prediction() == plain
    explorer.mask(5)
    explorer.read(TEXT)
    assert explorer.masked == set()


@pytest.mark.parametrize("branch", ["attention", "convolution"])
def test_a_head_that_is_off_adds_nothing_and_comes_back(model, tokenizer, branch):
    """As if the columns of W_O that read the head were zero."""
    explorer = explore(model, tokenizer, TEXT, layer=1)
    before = explorer.result().last_hidden_state
    explorer.switch(branch, head=1)
    off = explorer.result().last_hidden_state
    config, weight = model.config, model.layers[1].attention.output.weight
    start = config.head_size + (config.branch_size if branch == "convolution" else 0)
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[:, start : start + config.head_size] = 0
        expected = model(**explorer.batch).last_hidden_state
        weight.copy_(kept)
    assert_same_numbers(off, expected)
    assert not torch.allclose(off, before)
    explorer.switch(branch, head=1, on=True)
    assert_same_numbers(explorer.result().last_hidden_state, before)


def test_each_kind_of_head_says_what_it_predicts(tokenizer):
    labels = {0: "bad", 1: "good", 2: "mixed"}
    batch = tokenizer(TEXT, return_tensors="pt")

    model = with_head(ConvBertForSequenceClassification, num_labels=None, id2label=labels)
    title, answers = explore(model, tokenizer, TEXT).prediction()
    probs = model(**batch).logits[0].softmax(-1)
    assert title == "The class of the text"
    assert dict(answers) == pytest.approx(dict(zip(labels.values(), probs.tolist(), strict=True)), rel=1e-4)
    assert [prob for _, prob in answers] == pytest.approx(sorted(probs.tolist(), reverse=True), rel=1e-4)

    several = with_head(
        ConvBertForSequenceClassification,
        num_labels=None,
        id2label=labels,
        problem_type="multi_label_classification",
    )
    title, answers = explore(several, tokenizer, TEXT).prediction()
    assert title == "The labels of the text"
    assert sum(dict(answers).values()) == pytest.approx(
        several(**batch).logits[0].sigmoid().sum().item(), rel=1e-4
    )

    value = with_head(ConvBertForSequenceClassification, num_labels=1)
    assert explore(value, tokenizer, TEXT).prediction() == (
        "The value of the text", [("value", pytest.approx(value(**batch).logits.item(), rel=1e-4))],
    )  # fmt: skip

    tags = with_head(ConvBertForTokenClassification, num_labels=None, id2label=labels)
    title, answers = explore(tags, tokenizer, TEXT).prediction(2)
    assert title == "The label of 'film'"
    assert answers[0][0] == labels[tags(**batch).logits[0, 2].argmax().item()]

    detector = with_head(ConvBertForPreTraining)
    title, answers = explore(detector, tokenizer, TEXT, position=6).prediction()
    assert title == "Was 'great' replaced?"
    assert dict(answers)["replaced"] == pytest.approx(
        detector(**batch).logits[0, 6].sigmoid().item(), rel=1e-4
    )

    for silent in (with_head(ConvBertModel), with_head(ConvBertForMultipleChoice)):
        assert explore(silent, tokenizer, TEXT).prediction() is None


def test_the_answer_is_the_likeliest_span_of_the_passage(tokenizer):
    model = with_head(ConvBertForQuestionAnswering)
    explorer = explore(model, tokenizer, "a film", "that is not great")
    result = model(**tokenizer("a film", "that is not great", return_tensors="pt"))
    words, best = explorer.tokens, (0.0, "")
    inside = range(4, 8)
    first, last = (
        torch.tensor([logits[0, at].item() for at in inside]).softmax(0)
        for logits in (result.start_logits, result.end_logits)
    )
    for i, start in enumerate(inside):
        for j, end in enumerate(inside):
            if i <= j:
                best = max(best, ((first[i] * last[j]).item(), " ".join(words[start : end + 1])))
    title, answers = explorer.prediction()
    assert title == "The answer"
    assert answers[0] == (best[1], pytest.approx(best[0], rel=1e-4))


def test_the_text_stays_on_the_cpu_whatever_device_the_model_is_on(tokenizer):
    explorer = explore(with_head(ConvBertForQuestionAnswering).to("meta"), tokenizer, "a film", "not great")
    assert explorer.result().start_logits.device.type == "meta"
    assert {tensor.device.type for tensor in explorer.batch.values()} == {"cpu"}


def test_all_heads_can_be_seen_at_once(model, tokenizer):
    explorer = explore(model, tokenizer, TEXT)
    explorer.choose(view="all attention heads")
    assert describe(explorer.figure()).startswith("Attention of all heads, 8 tokens")
    explorer.choose(view="all kernels")
    assert describe(explorer.figure()).startswith("Kernels of all heads, 8 tokens")


def test_the_controls_mask_switch_and_restore(tokenizer):
    controls = _Controls(explore(with_head(ConvBertForMaskedLM), tokenizer, TEXT, position=5))
    plain = controls.prediction.value
    assert "What fits where &#x27;not&#x27; stands" in plain
    controls.mask.value = True
    assert controls.explorer.masked == {5}
    masked = controls.prediction.value
    assert "[MASK]" in masked
    controls.off["convolution"].value = True
    assert controls.notice.value == "switched off: convolution head 0 of layer 0"
    assert controls.prediction.value != masked
    controls.token.value = 2
    assert (controls.mask.value, controls.off["convolution"].value) == (False, True)
    controls.layer.value = 1
    assert controls.off["convolution"].value is False
    controls.restore.click()
    controls.token.value = 5
    assert (controls.prediction.value, controls.notice.value) == (plain, "")


def test_a_model_of_attention_alone_has_no_convolution_to_switch_off(tokenizer):
    bert = with_head(ConvBertModel, attention_only=True)
    explorer = explore(bert, tokenizer, TEXT)
    assert _Controls(explorer).off["convolution"].disabled
    with pytest.raises(ValueError, match="branch is 'convolution'; choose one of attention"):
        explorer.switch("convolution", 0)


def test_a_model_of_attention_alone_offers_no_picture_of_kernels(model, tokenizer):
    bert = with_head(ConvBertModel, attention_only=True)
    controls = _Controls(explore({"ConvBERT": model, "BERT": bert}, tokenizer, TEXT))
    controls.view.value = "all kernels"
    assert "Kernels of all heads" in controls.picture.value
    controls.model.value = "BERT"
    assert (controls.view.value, "What " in controls.picture.value) == ("one token", True)
    assert "all kernels" not in controls.view.options
    with pytest.raises(
        ValueError, match="view is 'all kernels'; choose one of one token, all attention heads"
    ):
        controls.explorer.choose(view="all kernels")
    controls.model.value = "ConvBERT"
    assert "all kernels" in controls.view.options


def test_two_explorers_stand_side_by_side(model, shallow, tokenizer):
    both = side_by_side(explore(model, tokenizer, TEXT), explore(shallow, tokenizer, "a great film"))
    data = both._repr_mimebundle_()
    assert WIDGET in data
    assert data["text/html"].count('alt="What ') == 2
    assert data["text/plain"].count("Explorer of") == 2


def test_a_saved_page_holds_all_maps_and_needs_nothing_else(tokenizer, tmp_path):
    model = with_head(ConvBertForMaskedLM)
    explorer = explore({"</script>": model}, tokenizer, "< film", layer=1)
    explorer.switch("attention", 1)
    explorer.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=|https?:|@import|url\(", page)
    assert page.count("</script>") == 1
    data = json.loads(re.search(r"const data = (.*);\n", page)[1])
    assert (data["model"], data["tokens"]) == ("</script>", ["[CLS]", "<", "film", "[SEP]"])
    assert data["off"] == ["attention head 1 of layer 1"]
    result = explorer.result()
    for name, tensors in (("attention", result.attentions), ("kernels", result.conv_kernels)):
        assert_close = torch.tensor(data[name]) / 1000 - torch.cat(tensors)
        assert assert_close.abs().max() <= 0.0006
    assert data["predictions"][1] == [
        "What fits where '<' stands",
        [list(pair) for pair in explorer.prediction(1)[1]],
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda explorer: explorer.mask(8), "position is 8; it must be 0 to 7"),
        (
            lambda explorer: explorer.switch("feed-forward", 0),
            "branch is 'feed-forward'; choose one of attention, conv",
        ),
        (lambda explorer: explorer.switch("attention", 2), "head is 2; it must be 0 to 1"),
        (lambda explorer: explorer.switch("attention", 0, layer=2), "layer is 2; it must be 0 to 1"),
        (
            lambda explorer: explorer.choose(view="all"),
            "view is 'all'; choose one of one token, all attention heads",
        ),
        (
            lambda explorer: explorer.choose(sentence=1),
            "there is no 'sentence' to choose; there are name, layer, head, position, view",
        ),
    ],
)
def test_what_cannot_be_changed_is_refused_and_nothing_is_changed(model, tokenizer, change, message):
    explorer = explore(model, tokenizer, TEXT)
    with pytest.raises(ValueError, match=message):
        change(explorer)
    assert (explorer.masked, explorer.off, explorer.view) == (set(), set(), "one token")


def test_a_page_of_a_long_text_and_a_tokenizer_without_mask_are_refused(model, tmp_path):
    no_mask = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS], mask_token=None)
    with pytest.raises(ValueError, match="this tokenizer has no mask_token"):
        explore(model, no_mask, TEXT).mask(1)
    explorer = explore(with_head(ConvBertModel, max_position_embeddings=200), no_mask, "film " * 127)
    with pytest.raises(ValueError, match="the text has 129 tokens; a page shows at most 128"):
        explorer.save_html(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
