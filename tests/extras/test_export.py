"""Exported models run in onnxruntime, and as PyTorch programs, on batches and lengths that the export never saw."""

from pathlib import Path

import onnxruntime
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor

from convbert_edu import ConvBertForMultipleChoice, ConvBertForSequenceClassification, ConvBertModel
from convbert_edu.cli.main import main
from convbert_edu.extras import onnx as export
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build, inputs_of_size
from tolerance import assert_same_numbers

pytestmark = pytest.mark.usefixtures("as_a_user")  # a graph must not hold the checks of the tests

SIZES = [(1, 1), (1, 7), (3, 40), (20, 4)]  # texts x tokens; 40 is the model's limit


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY_MODEL)
def test_onnxruntime_computes_what_the_model_computes(kind, tmp_path):
    model = build(kind, num_hidden_layers=1)
    export.export_onnx(model, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    choices = ["choices"] if kind is ConvBertForMultipleChoice else []
    assert session.get_inputs()[0].shape == ["batch", *choices, "length"]
    for batch, seq in SIZES:
        inputs = inputs_of_size(kind, batch, seq)
        found = session.run(
            export.exported_names(model), {name: value.numpy() for name, value in inputs.items()}
        )
        expected = scores(model, inputs)
        assert_same_numbers([torch.from_numpy(array) for array in found], expected)


@pytest.mark.parametrize("kind", [ConvBertModel, ConvBertForMultipleChoice])
def test_the_program_computes_what_the_model_computes_and_can_be_saved(kind, tmp_path):
    model = build(kind, num_hidden_layers=1)
    torch.export.save(export.export_program(model.train()), tmp_path / "model.pt2")
    assert model.training
    model.eval()
    program = torch.export.load(tmp_path / "model.pt2").module()
    for batch, seq in SIZES:
        inputs = inputs_of_size(kind, batch, seq)
        assert_same_numbers(list(program(*inputs.values())), scores(model, inputs))


def test_a_failed_export_leaves_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "model.onnx"
    target.write_bytes(b"an older model")

    def full_disk(*arguments, **options):
        raise OSError("No space left on device")

    monkeypatch.setattr("torch.onnx.ONNXProgram.save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        export.export_onnx(build(ConvBertModel, num_hidden_layers=1), target)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("model.onnx", b"an older model")
    ]


def test_what_cannot_be_exported_is_refused(tmp_path, monkeypatch):
    with pytest.raises(TypeError, match="model is a Linear; it must be a model of this package"):
        export.export_program(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"weights are torch\.bfloat16; .* model\.float\(\) first"):
        export.export_onnx(build(ConvBertModel).bfloat16(), tmp_path / "model.onnx")
    with pytest.raises(IsADirectoryError, match=r"is a folder; give the name of the file"):
        export.export_onnx(build(ConvBertModel), tmp_path)
    monkeypatch.setattr(export, "NEEDED", ("onnx", "no_such_package"))
    with pytest.raises(ModuleNotFoundError, match=r"needs no_such_package; .*convbert-edu\[onnx\]"):
        export.export_onnx(build(ConvBertModel), tmp_path / "model.onnx")


def test_the_command_exports_the_head_that_a_folder_holds(tmp_path):
    build(ConvBertForSequenceClassification, num_hidden_layers=1).save_pretrained(tmp_path / "model")
    result = run("export", tmp_path / "model", tmp_path / "model.onnx")
    assert result.exit_code == 0, result.output
    assert "ConvBertForSequenceClassification" in result.output
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["logits"]


def test_the_command_says_what_is_wrong(tmp_path):
    result = run("export", tmp_path / "nothing", tmp_path / "model.onnx")
    assert result.exit_code == 1
    assert "neither a folder nor a bundled model" in result.output


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@torch.no_grad()
def scores(model: PretrainedModel, inputs: dict[str, Tensor]) -> list[Tensor]:
    result = model(**inputs)
    return [getattr(result, name) for name in export.exported_names(model)]
