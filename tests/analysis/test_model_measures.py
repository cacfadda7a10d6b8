"""Receptive field and saliency against differences of the model itself; running over sentences without padding."""

import pytest
import torch

from convbert_edu import ConvBertForSequenceClassification, ConvBertModel, ConvBertTokenizer
from convbert_edu.analysis import look_inside, receptive_field, token_saliency
from helpers import randomise, tiny_config

TEXTS = ["a b c", "c a", "b b b", "", "a c", "b a b a b a b a b a"]


@pytest.fixture
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"])


@pytest.fixture
def encoder() -> ConvBertModel:
    model = (
        ConvBertModel(tiny_config(hidden_size=8, intermediate_size=16, conv_kernel_size=3)).double().eval()
    )
    randomise(model)
    return model


def without_attention(model: ConvBertModel) -> ConvBertModel:
    for layer in model.layers:
        layer.attention.output.weight.data[:, : model.config.branch_size] = 0
    return model


def test_convolution_alone_hears_one_reach_further_with_each_layer(encoder):
    ids = torch.arange(11).unsqueeze(0) + 5
    heard = receptive_field(without_attention(encoder), ids, position=5) > 0
    assert heard.nonzero().tolist() == [[0, t] for t in range(4, 7)] + [[1, t] for t in range(3, 8)]


def test_influence_equals_the_derivatives_taken_one_by_one(encoder):
    ids = torch.arange(6).unsqueeze(0) + 5
    influence = receptive_field(encoder, ids, position=2)
    with torch.no_grad():
        first = encoder(ids, output_hidden_states=True).hidden_states[0]
        step = 1e-6

        def after_each_layer(states):
            results = []
            for layer in encoder.layers:
                states = layer(states)[0]
                results.append(states[0, 2])
            return torch.stack(results)  # [layers, channels]

        for token in range(6):
            square = torch.zeros(len(encoder.layers), dtype=torch.float64)
            for channel in range(8):
                nudge = torch.zeros_like(first)
                nudge[0, token, channel] = step
                slope = (after_each_layer(first + nudge) - after_each_layer(first - nudge)) / (2 * step)
                square += slope.square().sum(dim=1)
            torch.testing.assert_close(influence[:, token], square.sqrt(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("position", [-1, 6])
def test_a_position_outside_the_sentence_is_refused(encoder, position):
    with pytest.raises(
        ValueError, match=f"position is {position}; the sentence has 6 tokens, so it must be 0 to 5"
    ):
        receptive_field(encoder, torch.arange(6).unsqueeze(0), position)


def test_saliency_is_the_slope_of_the_score():
    model = ConvBertForSequenceClassification(tiny_config()).double().eval()
    randomise(model)
    ids = torch.arange(5).unsqueeze(0) + 7
    saliency = token_saliency(model, ids, lambda result: result.logits[0, 1])
    words, step = model.encoder.embeddings.word(ids).detach(), 1e-6
    for token in range(5):
        slopes = []
        for channel in range(words.shape[-1]):
            nudge = torch.zeros_like(words)
            nudge[0, token, channel] = step
            up, down = (model(inputs_embeds=words + sign * nudge).logits[0, 1] for sign in (1, -1))
            slopes.append(float((up - down).detach()) / (2 * step))
        assert float(saliency[token]) == pytest.approx(torch.tensor(slopes).norm().item(), rel=1e-4)


def test_saliency_works_without_gradients_switched_on_and_leaves_no_trace(encoder):
    with torch.no_grad():
        token_saliency(encoder, torch.arange(4).unsqueeze(0), lambda result: result.last_hidden_state.sum())
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_a_score_of_several_numbers_is_refused(encoder):
    with pytest.raises(
        ValueError, match=r"score returned a tensor of shape \(1, 4, 8\); it must pick one number"
    ):
        token_saliency(encoder, torch.arange(4).unsqueeze(0), lambda result: result.last_hidden_state)


def test_every_sentence_is_seen_once_without_padding(tokenizer):
    model = ConvBertModel(tiny_config()).eval()
    seen = []
    for result, ids, maskable in look_inside(model, tokenizer, TEXTS, max_length=8, batch_size=1):
        assert maskable.tolist() == [False] + [True] * (ids.shape[1] - 2) + [False]
        assert tokenizer.pad_token_id not in ids
        torch.testing.assert_close(
            result.conv_kernels[0], model(ids, output_conv_kernels=True).conv_kernels[0]
        )
        seen += tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert sorted(seen) == sorted(["a b c", "c a", "b b b", "a c", "b a b a b a"])  # the last one was cut


def test_no_texts_and_training_mode_are_refused(tokenizer):
    model = ConvBertModel(tiny_config())
    with pytest.raises(ValueError, match="texts is empty"):
        next(look_inside(model.eval(), tokenizer, []))
    with pytest.raises(ValueError, match=r"in training mode, so dropout is on; call model.eval\(\) first"):
        next(look_inside(model.train(), tokenizer, TEXTS))


def test_one_string_is_not_taken_for_a_text_a_letter(tokenizer):
    with pytest.raises(TypeError, match="texts is one string; give a list of strings"):
        next(look_inside(ConvBertModel(tiny_config()).eval(), tokenizer, "a b c"))
