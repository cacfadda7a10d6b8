"""The encoder gives the numbers of the authors' TensorFlow code for their checkpoints, padded positions included."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForPreTraining
from convbert_edu.checkpoints.loading import load_weights
from convbert_edu.checkpoints.tensorflow import discriminator_from_tensorflow
from convbert_edu.models.outputs import PreTrainingOutput

FIXTURES = Path(__file__).parents[1] / "fixtures" / "original_tf"
CHECKPOINTS = ("base_like", "small_like", "medium_small_like", "gamma4")
NOT_WEIGHTS = {"global_step"}


def read_config(name: str) -> ConvBertConfig:
    """The authors' sizes in our names; their gamma is the one that narrows the branches."""
    sizes = json.loads((FIXTURES / name / "config.json").read_text())
    sizes["num_groups"] = sizes.pop("linear_groups")
    assert sizes.pop("conv_type") == "sdconv"
    return ConvBertConfig(**sizes, gamma_bottleneck=name == "gamma4")


def read_model(name: str) -> ConvBertForPreTraining:
    """The discriminator with the weights of the checkpoint, all of them."""
    config = read_config(name)
    variables = np.load(FIXTURES / name / "weights.npz")
    state = discriminator_from_tensorflow(variables, config)
    assert len(state) == len(set(variables) - NOT_WEIGHTS), "a variable was left out"
    model = ConvBertForPreTraining(config).eval()
    report = load_weights(model, state)
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


def assert_equal(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("maps", [False, True], ids=["fused", "with maps"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_output_of_the_authors_code(name: str, maps: bool):
    model = read_model(name)
    output, expected = run(model, name, maps)
    assert (expected["input_mask"] == 0).any(), "the batch must have padding"
    assert len(output.hidden_states) == len(expected["all_layers"]) + 1
    assert_equal(output.hidden_states[0], expected["embedding_output"])
    assert_equal(output.hidden_states[-1], expected["sequence_output"])
    for layer, states in enumerate(expected["all_layers"]):
        assert_equal(output.hidden_states[1 + layer], states)
    assert_equal(output.logits, expected["discriminator_logits"])
    if maps:
        for ours, theirs in zip(output.attentions, expected["attention_maps"], strict=True):
            assert_equal(ours, theirs)


def test_gamma_4_in_transformers_meaning_needs_other_shapes():
    assert read_config("gamma4").branch_size == 16
    assert ConvBertConfig(hidden_size=64, num_attention_heads=8, head_ratio=4).branch_size == 32


def test_a_variable_that_is_missing_is_named():
    variables = dict(np.load(FIXTURES / "small_like" / "weights.npz"))
    gone = "electra/encoder/layer_1/attention/self/conv_attn_key/pointwise_kernel"
    del variables[gone]
    with pytest.raises(KeyError, match=gone):
        discriminator_from_tensorflow(variables, read_config("small_like"))


def test_the_optimisers_variables_are_left_alone():
    variables = dict(np.load(FIXTURES / "small_like" / "weights.npz"))
    config = read_config("small_like")
    plain = discriminator_from_tensorflow(variables, config)
    moments = {f"{name}/adam_{moment}": array for name, array in variables.items() for moment in "mv"}
    assert discriminator_from_tensorflow(variables | moments, config).keys() == plain.keys()
