"""Files with internals: maps and kernels as the model gives them, heads that can be switched off, smaller weights."""

import jaxtyping
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from convbert_edu import ConvBertForMaskedLM, ConvBertForMultipleChoice, ConvBertForSequenceClassification
from convbert_edu.cli.main import main
from convbert_edu.distillation.objective import MaskedLMWithDetector
from convbert_edu.extras import onnx as export
from models.cases import build, inputs_of_size
from tolerance import assert_same_numbers

pytestmark = pytest.mark.usefixtures("as_a_user")  # a graph must not hold the checks of the tests


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model with both heads of pretraining, and its file with internals."""
    torch.manual_seed(0)
    model = build(MaskedLMWithDetector, num_hidden_layers=2)
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    # As `as_a_user` does for each test.
    jaxtyping.config.update("jaxtyping_disable", True)
    export.export_onnx(model, path, with_internals=True)
    jaxtyping.config.update("jaxtyping_disable", False)
    return model, path


def run(path, model, inputs, **heads):
    """What onnxruntime computes from a file, by name; all heads are on but for those in `heads`."""
    shape = (model.config.num_hidden_layers, model.config.num_heads_per_branch)
    feed = {name: np.ones(shape, np.float32) for name in export.HEAD_INPUTS}
    feed |= {name: value.numpy() for name, value in inputs.items()} | heads
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(torch.from_numpy, session.run(None, feed)), strict=True))


@torch.no_grad()
def computed(model, inputs):
    """What the model itself computes, by the names of the file."""
    result = model(**inputs, output_attentions=True, output_conv_kernels=True)
    hidden_states = model.encoder(**inputs).last_hidden_state
    return {
        "logits": result.logits,
        "replaced_logits": model.replaced_token_head(hidden_states),
        "attentions": torch.stack(result.attentions),
        "conv_kernels": torch.stack(result.conv_kernels),
    }


def test_scores_maps_and_kernels_are_the_models(exported):
    model, path = exported
    for batch, seq in [(1, 1), (1, 7), (3, 12)]:
        inputs = inputs_of_size(type(model), batch, seq)
        found, expected = run(path, model, inputs), computed(model, inputs)
        assert list(found) == list(expected) == export.exported_names(model, with_internals=True)
        for name in expected:
            assert_same_numbers(found[name], expected[name])
    # Nothing of the export stays on the model.
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("branch", export.HEAD_INPUTS)
def test_a_head_that_is_off_gives_nothing_to_the_output_layer(exported, branch):
    """The reference knows no switches: there the head's columns of W_O are zeros."""
    model, path = exported
    layer, head, size = 1, 0, model.config.head_size
    heads = np.ones((model.config.num_hidden_layers, model.config.num_heads_per_branch), np.float32)
    heads[layer, head] = 0
    inputs = inputs_of_size(type(model), 1, 9)
    found = run(path, model, inputs, **{branch: heads})

    first = head * size + (model.config.branch_size if branch == "convolution_heads" else 0)
    output: nn.Linear = model.encoder.layers[layer].attention.output
    before = output.weight.detach().clone()
    with torch.no_grad():
        output.weight[:, first : first + size] = 0
    expected = computed(model, inputs)
    with torch.no_grad():
        output.weight.copy_(before)
    assert_same_numbers(found["logits"], expected["logits"])
    assert (found["logits"] - computed(model, inputs)["logits"]).abs().max() > 0.01


@pytest.mark.parametrize(("stored_as", "share", "near"), [("float16", 0.55, 0.01), ("int8", 0.4, 0.1)])
def test_smaller_weights_change_little_and_are_computed_with_in_float32(
    exported, tmp_path, stored_as, share, near
):
    model, path = exported
    # Matrices of the tests are smaller than what is worth rounding.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "SMALL", 64)
        export.shrink_onnx(path, tmp_path / "small.onnx", stored_as)
    weights = [
        sum(len(w.raw_data) for w in onnx.load(p).graph.initializer) for p in (tmp_path / "small.onnx", path)
    ]
    assert weights[0] < share * weights[1]
    inputs = inputs_of_size(type(model), 2, 9)
    found, exact = run(tmp_path / "small.onnx", model, inputs), run(path, model, inputs)
    for name in exact:
        assert found[name].dtype == torch.float32
        spread = exact[name].std()
        assert (found[name] - exact[name]).pow(2).mean().sqrt() < near * spread, name


def test_rounding_a_matrix_keeps_each_line_within_half_a_step():
    matrix = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32) * [
        [1],
        [1e-3],
        [0],
        [50],
        [1e-9],
    ]
    whole, step = export._round_matrix(matrix.astype(np.float32), axis=1)
    assert whole.dtype == np.int8
    assert step.shape == (5, 1)
    errors = np.abs(whole * step.astype(np.float64) - matrix).max(axis=1)
    # A little more than a half: float16 rounds the step, and the largest number is cut to 127.
    assert (errors <= 0.6 * step[:, 0].astype(np.float64)).all()
    assert (whole[2] == 0).all()


def test_what_cannot_be_exported_with_internals_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"ConvBertForMultipleChoice cannot be .* several texts for each row"
    ):
        export.export_onnx(build(ConvBertForMultipleChoice), tmp_path / "model.onnx", with_internals=True)
    with pytest.raises(ValueError, match="it has no kernels; export it without"):
        export.export_program(build(ConvBertForMaskedLM, attention_only=True), with_internals=True)
    with pytest.raises(ValueError, match="stored_as is 'int4'; choose one of float16, int8"):
        export.shrink_onnx(tmp_path / "model.onnx", tmp_path / "small.onnx", "int4")
    with pytest.raises(FileNotFoundError, match=r"model\.onnx is not a file; write it first"):
        export.shrink_onnx(tmp_path / "model.onnx", tmp_path / "small.onnx", "int8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "outputs"),
    [
        (MaskedLMWithDetector, ["logits", "replaced_logits", "attentions", "conv_kernels"]),
        (ConvBertForSequenceClassification, ["logits", "attentions", "conv_kernels"]),
    ],
)
def test_the_command_writes_the_heads_that_a_folder_holds(tmp_path, kind, outputs):
    build(kind, num_hidden_layers=1).save_pretrained(tmp_path / "model")
    words = ["export", str(tmp_path / "model"), str(tmp_path / "model.onnx"), "--with-internals"]
    result = CliRunner().invoke(main, [*words, "--weights", "float16"])
    assert result.exit_code == 0, result.output
    assert f"attention_heads, convolution_heads and gives {', '.join(outputs)}" in result.output
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == outputs
    assert {weight.data_type for weight in onnx.load(tmp_path / "model.onnx").graph.initializer} >= {
        onnx.TensorProto.FLOAT16
    }
