"""What a model returns: always the result, the loss with labels, and the internals that output flags ask for."""

import dataclasses

import pytest
import torch
from torch import nn

from convbert_edu import ConvBertForMultipleChoice, ConvBertModel
from convbert_edu.models.base import PretrainedModel
from helpers import tiny_config
from models.cases import BATCH, CHOICES, EVERY_MODEL, SEQ, build, inputs_for, labels_for
from tolerance import assert_same_numbers

INTERNALS = ("hidden_states", "attentions", "conv_kernels")


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_nothing_but_the_result_unless_asked(model: type[PretrainedModel]):
    output = build(model)(**inputs_for(model))
    given = {field.name for field in dataclasses.fields(output) if getattr(output, field.name) is not None}
    if model.__name__.endswith("QuestionAnswering"):
        assert given == {"start_logits", "end_logits"}
    else:
        assert given == ({"last_hidden_state"} if model is ConvBertModel else {"logits"})


@pytest.mark.parametrize("flag", INTERNALS)
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_each_output_flag_brings_its_own_internals_and_no_others(model: type[PretrainedModel], flag: str):
    built, inputs = build(model), inputs_for(model)
    output = built(**inputs, **{f"output_{flag}": True})
    assert [name for name in INTERNALS if getattr(output, name) is not None] == [flag]
    rows = BATCH * CHOICES if model is ConvBertForMultipleChoice else BATCH
    shapes = {
        "hidden_states": (3, (rows, SEQ, 32)),  # the embeddings and two layers
        "attentions": (2, (rows, 2, SEQ, SEQ)),
        "conv_kernels": (2, (rows, 2, SEQ, 5)),
    }
    count, shape = shapes[flag]
    view = getattr(output, flag)
    assert isinstance(view, tuple)
    assert [tuple(tensor.shape) for tensor in view] == [shape] * count


@pytest.mark.parametrize("flag", INTERNALS)
def test_the_configuration_sets_what_is_returned_and_an_argument_overrules_it(flag: str):
    built = build(ConvBertModel, **{f"output_{flag}": True})
    inputs = inputs_for(ConvBertModel)
    assert getattr(built(**inputs), flag) is not None
    assert getattr(built(**inputs, **{f"output_{flag}": False}), flag) is None


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_looking_inside_does_not_change_the_result(model: type[PretrainedModel]):
    built, inputs, labels = build(model), inputs_for(model), labels_for(model)
    plain = built(**inputs, **labels)
    looked = built(**inputs, **labels, **{f"output_{flag}": True for flag in INTERNALS})
    for field in dataclasses.fields(plain):
        if field.name not in INTERNALS:
            before, after = getattr(plain, field.name), getattr(looked, field.name)
            assert_same_numbers(before, after)
    if labels:
        assert plain.loss.shape == ()


def test_hidden_states_begin_with_the_embeddings_and_end_with_the_result():
    built, inputs = build(ConvBertModel), inputs_for(ConvBertModel)
    output = built(**inputs, output_hidden_states=True)
    assert_same_numbers(output.hidden_states[0], built.embeddings(inputs["input_ids"]))
    assert output.hidden_states[-1] is output.last_hidden_state


def test_attention_maps_are_averages_over_the_real_tokens():
    output = build(ConvBertModel)(**inputs_for(ConvBertModel), output_attentions=True)
    for attention_map in output.attentions:
        assert_same_numbers(attention_map.sum(-1), torch.ones(BATCH, 2, SEQ))
        assert not attention_map[0, :, :, 5:].any()


def test_kernels_follow_from_each_layers_input():
    """softmax(W (q * k)) with k from PyTorch's own convolutions over what went into the layer."""
    built, inputs = build(ConvBertModel), inputs_for(ConvBertModel)
    output = built(**inputs, output_hidden_states=True, output_conv_kernels=True)
    for layer, states, kernels in zip(
        built.layers, output.hidden_states[:-1], output.conv_kernels, strict=True
    ):
        attention, span_key = layer.attention, layer.attention.convolution.span_key
        query = states @ attention.query.weight.T + attention.query.bias
        filtered = nn.functional.conv1d(
            states.transpose(1, 2), span_key.depthwise.unsqueeze(1), padding=2, groups=32
        )
        key = filtered.transpose(1, 2) @ span_key.pointwise.weight.T + span_key.bias
        scores = (query * key) @ attention.convolution.kernel.weight.T + attention.convolution.kernel.bias
        expected = torch.softmax(scores.view(BATCH, SEQ, 2, 5), dim=-1).transpose(1, 2)
        assert_same_numbers(kernels, expected)
        assert_same_numbers(kernels.sum(-1), torch.ones(BATCH, 2, SEQ))


def test_any_number_but_0_in_a_mask_means_a_real_token():
    built, inputs = build(ConvBertModel), inputs_for(ConvBertModel)
    expected = built(**inputs).last_hidden_state
    for mask in (
        inputs["attention_mask"].bool(),
        inputs["attention_mask"] * 7,
        inputs["attention_mask"] * 0.5,
    ):
        actual = built(inputs["input_ids"], attention_mask=mask).last_hidden_state
        assert_same_numbers(actual, expected)


def test_a_model_from_scratch_starts_in_training_mode_with_small_weights():
    torch.manual_seed(0)
    model = ConvBertModel(tiny_config(hidden_size=256, intermediate_size=512, pad_token_id=3))
    assert model.training
    assert model.loading_report is None
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        elif not name.endswith("depthwise"):
            spread = 0.02 / (2 * parameter.numel()) ** 0.5  # of the standard deviation of so many numbers
            assert abs(parameter.std() - 0.02) < 5 * spread, name
    assert not model.embeddings.word.weight[3].any(), "padding starts as nothing"
    filters = model.layers[0].attention.convolution.span_key.depthwise
    assert filters.std() > 0.1, "the filters of the span-aware key start wider"
