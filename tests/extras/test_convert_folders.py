"""`convbert-edu convert` with model folders: ours to transformers' and back, and what cannot be converted."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForPreTraining,
    ConvBertForSequenceClassification,
    ConvBertModel,
    ConvBertTokenizer,
)
from convbert_edu.cli.main import main
from full_disk import full_disk
from helpers import randomise, tiny_config
from models.cases import build, inputs_for
from tolerance import assert_same_numbers


def convert(source: Path, target: Path) -> Result:
    return CliRunner().invoke(main, ["convert", str(source), str(target)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A classifier of ours with its tokenizer."""
    build(ConvBertForSequenceClassification, pad_token_id=0).save_pretrained(tmp_path / "source")
    ConvBertTokenizer.train(["a warm film"] * 3, vocab_size=30).save_pretrained(tmp_path / "source")
    return tmp_path / "source"


def refused(source: Path, target: Path, *expected: str) -> None:
    """Expect a message with all that is `expected`, and nothing written."""
    before = sorted(path for path in target.parent.rglob("*"))
    result = convert(source, target)
    assert result.exit_code == 1
    for text in ("Error: ", *expected):
        assert text in result.output
    assert sorted(path for path in target.parent.rglob("*")) == before


def rewrite_config(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_ours_to_transformers_and_back(source: Path, tmp_path: Path):
    result = convert(source, tmp_path / "first")
    assert result.output == (
        f"wrote {tmp_path / 'first'}: ConvBertForSequenceClassification, "
        f"{ConvBertForSequenceClassification.from_pretrained(source).num_parameters():,} parameters\n"
    )
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "first")
    theirs.save_pretrained(tmp_path / "theirs")
    transformers.AutoTokenizer.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "theirs")
    assert convert(tmp_path / "theirs", tmp_path / "second").exit_code == 0

    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "second"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    inputs = inputs_for(ConvBertForSequenceClassification)
    ours = ConvBertForSequenceClassification.from_pretrained(tmp_path / "second")
    with torch.no_grad():
        assert_same_numbers(ours(**inputs).logits, theirs.eval()(**inputs).logits)
    texts = ["a warm warm film", "filma"]
    assert len({str(ConvBertTokenizer.from_pretrained(tmp_path / name)(texts)["input_ids"])
                for name in ("source", "first", "theirs", "second")}) == 1  # fmt: skip


def test_weights_under_our_own_names(source: Path, tmp_path: Path):
    """Such as a state dict of ours that somebody saved by hand."""
    from safetensors.torch import save_file

    model = ConvBertForSequenceClassification.from_pretrained(source)
    before = load_file(source / "model.safetensors")
    save_file(dict(model.named_parameters()), source / "model.safetensors")
    assert convert(source, tmp_path / "target").exit_code == 0
    after = load_file(tmp_path / "target" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_head_without_weights_is_not_invented(tmp_path: Path):
    """As in published repositories that hold the encoder but name a class with a head."""
    build(ConvBertModel).save_pretrained(tmp_path / "source")
    rewrite_config(tmp_path / "source", architectures=["ConvBertForPreTraining"])
    result = convert(tmp_path / "source", tmp_path / "target")
    assert "says it is a ConvBertForPreTraining but holds no weights for its head" in result.output
    assert "has no vocab.txt, so no tokenizer was written" in result.output
    assert json.loads((tmp_path / "target" / "config.json").read_text())["architectures"] == ["ConvBertModel"]


@pytest.mark.parametrize(
    "named", [["ConvBertForSomethingNew"], ["ConvBertConfig"], [], None, "ConvBertModel"]
)
def test_without_a_class_that_we_have_the_encoder_is_converted(named: object, source: Path, tmp_path: Path):
    rewrite_config(source, architectures=named)
    result = convert(source, tmp_path / "target")
    assert "wrote " in result.output
    assert "ConvBertModel" in result.output
    assert "left behind, as no part of the model: classifier.dense.bias, " in result.output


def test_a_discriminator_and_its_generator(tmp_path: Path):
    build(ConvBertForPreTraining).save_pretrained(tmp_path / "source")
    generator = ConvBertForMaskedLM(tiny_config(num_hidden_layers=1, hidden_size=16))
    randomise(generator)
    generator.save_pretrained(tmp_path / "source" / "generator")
    result = convert(tmp_path / "source", tmp_path / "target")
    assert "transformers has no discriminator; it opens" in result.output
    assert f"wrote {tmp_path / 'target' / 'generator'}: ConvBertForMaskedLM" in result.output
    back = ConvBertForMaskedLM.from_pretrained(tmp_path / "target" / "generator")
    assert all(
        torch.equal(one, other) for one, other in zip(back.parameters(), generator.parameters(), strict=True)
    )


def test_what_transformers_cannot_open_is_announced(tmp_path: Path):
    build(ConvBertModel, gamma_bottleneck=True, head_ratio=4).save_pretrained(tmp_path / "source")
    result = convert(tmp_path / "source", tmp_path / "target")
    assert "transformers cannot open" in result.output
    with pytest.raises(RuntimeError, match=r"size mismatch|mismatched"):
        transformers.AutoModel.from_pretrained(tmp_path / "target")


def test_a_target_that_holds_something(source: Path, tmp_path: Path):
    (tmp_path / "target").mkdir()
    assert convert(source, tmp_path / "target").exit_code == 0  # an empty folder will do
    refused(source, tmp_path / "target", f"{tmp_path / 'target'} is not empty; give the name of a folder")
    refused(source, source, f"{source} is not empty")
    (tmp_path / "file").write_text("mine")
    refused(source, tmp_path / "file", "file is a file; give the name of a folder that is new or empty")


def test_a_source_that_is_nothing(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no model")
    for name in ("empty", "notes.txt", "nowhere"):
        refused(tmp_path / name, tmp_path / "target", f"{name} is neither a TensorFlow checkpoint (")


def test_a_source_without_weights_or_with_damaged_ones(source: Path, tmp_path: Path):
    weights = source / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    refused(source, tmp_path / "target", str(weights), "damaged")
    weights.unlink()
    refused(source, tmp_path / "target", "model.safetensors", "missing")


def test_a_vocabulary_that_the_model_has_no_rows_for(source: Path, tmp_path: Path):
    words = {f"word{number}" for number in range(200)}
    ConvBertTokenizer.train([*words] * 3, vocab_size=400).save_pretrained(source)
    refused(source, tmp_path / "target", "tokens, but the model has 99 rows")


@pytest.mark.parametrize("room", [0, 500, 20_000])
def test_a_full_disk_leaves_nothing(room: int, source: Path, tmp_path: Path):
    with full_disk(after=room):
        refused(source, tmp_path / "target", "File too large")
