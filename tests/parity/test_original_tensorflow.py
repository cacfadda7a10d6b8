"""The encoder gives the numbers of the authors' TensorFlow code for their checkpoints, padded positions included."""

from pathlib import Path

import numpy as np
import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForPreTraining
from convbert_edu.checkpoints.loading import load_weights
from convbert_edu.checkpoints.tensorflow import read_config, weights_from_tensorflow
from convbert_edu.models.outputs import PreTrainingOutput
from tolerance import assert_same_numbers

FIXTURES = Path(__file__).parents[1] / "fixtures" / "original_tf"
CHECKPOINTS = ("base_like", "small_like", "medium_small_like", "gamma4")
NOT_WEIGHTS = {"global_step"}


def read_variables(name: str) -> dict[str, np.ndarray]:
    """The variables of a checkpoint, as TensorFlow's own reader gave them."""
    return dict(np.load(FIXTURES / name / "weights.npz"))


def read_model(name: str) -> ConvBertForPreTraining:
    """The discriminator with the weights of the checkpoint, all of them."""
    model = ConvBertForPreTraining(read_config(FIXTURES / name / "model.ckpt-7")).eval()
    variables = read_variables(name)
    weights = weights_from_tensorflow(model, variables)
    assert len(weights) == len(set(variables) - NOT_WEIGHTS), "a variable was left out"
    report = load_weights(model, weights)
    assert report.newly_initialised == []
    assert report.ignored == []
    return model


def run(
    model: ConvBertForPreTraining, name: str, maps: bool
) -> tuple[PreTrainingOutput, dict[str, torch.Tensor]]:
    """Our outputs for the batch of the fixture, beside the authors'."""
    expected = {
        key: torch.from_numpy(value) for key, value in np.load(FIXTURES / name / "expected.npz").items()
    }
    with torch.no_grad():
        output = model(
            input_ids=expected["input_ids"],
            attention_mask=expected["input_mask"],
            token_type_ids=expected["segment_ids"],
            output_hidden_states=True,
            output_attentions=maps,
        )
    return output, expected


@pytest.mark.parametrize("maps", [False, True], ids=["fused", "with maps"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_output_of_the_authors_code(name: str, maps: bool):
    model = read_model(name)
    output, expected = run(model, name, maps)
    assert (expected["input_mask"] == 0).any(), "the batch must have padding"
    assert len(output.hidden_states) == len(expected["all_layers"]) + 1
    assert_same_numbers(output.hidden_states[0], expected["embedding_output"])
    assert_same_numbers(output.hidden_states[-1], expected["sequence_output"])
    for layer, states in enumerate(expected["all_layers"]):
        assert_same_numbers(output.hidden_states[1 + layer], states)
    assert_same_numbers(output.logits, expected["discriminator_logits"])
    if maps:
        for ours, theirs in zip(output.attentions, expected["attention_maps"], strict=True):
            assert_same_numbers(ours, theirs)


def test_the_authors_gamma_is_switched_on_only_where_it_makes_a_difference():
    configs = {name: read_config(FIXTURES / name / "model.ckpt-7") for name in CHECKPOINTS}
    assert [name for name, config in configs.items() if config.gamma_bottleneck] == ["gamma4"]
    assert configs["gamma4"].branch_size == 16
    assert ConvBertConfig(hidden_size=64, num_attention_heads=8, head_ratio=4).branch_size == 32


def test_a_variable_that_is_missing_is_named():
    variables = read_variables("small_like")
    gone = "electra/encoder/layer_1/attention/self/conv_attn_key/pointwise_kernel"
    del variables[gone]
    with pytest.raises(
        ValueError, match=f"missing: {gone}\n.*config.json that this checkpoint was trained with"
    ):
        weights_from_tensorflow(read_model("small_like"), variables)


def test_a_variable_of_the_wrong_shape_is_named():
    variables = read_variables("small_like")
    wrong = "electra/encoder/layer_0/attention/self/query/kernel"
    variables[wrong] = variables[wrong].T
    with pytest.raises(
        ValueError, match=rf"{wrong} has shape \(24, 48\), but it must be \(48, 24\) to become encoder"
    ):
        weights_from_tensorflow(read_model("small_like"), variables)


def test_the_optimisers_variables_are_left_alone():
    variables, model = read_variables("small_like"), read_model("small_like")
    plain = weights_from_tensorflow(model, variables)
    moments = {f"{name}/adam_{moment}": array for name, array in variables.items() for moment in "mv"}
    assert weights_from_tensorflow(model, variables | moments).keys() == plain.keys()
