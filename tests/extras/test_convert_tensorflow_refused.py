"""Checkpoints of TensorFlow that cannot be converted: what is said, and that nothing is left behind."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from full_disk import full_disk
from tensorflow_checkpoints import FIXTURES, VOCABULARY, convert, variables_of, write_checkpoint

pytestmark = pytest.mark.tensorflow

INDEX, DATA = "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be damaged: its prefix."""
    shutil.copytree(FIXTURES / "small_like", tmp_path / "theirs")
    return tmp_path / "theirs" / "model.ckpt-7"


def refused(source: Path, target: Path, *expected: str) -> None:
    """Expect a message with all that is `expected`, and nothing written."""
    before = sorted(target.parent.iterdir())
    result = convert(source, target)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    for text in expected:
        assert text in result.output
    assert sorted(target.parent.iterdir()) == before


def test_a_generator_that_is_not_all_there(tmp_path: Path):
    write_checkpoint(
        tmp_path / "model.ckpt-9", variables_of("small_like") | {"generator/encoder/odd": np.zeros(3, "f4")}
    )
    shutil.copy(FIXTURES / "small_like" / "config.json", tmp_path)
    message = "lacks generator/encoder/layer_0/attention/output/dense/bias, from which the generator's sizes are read"
    refused(tmp_path / "model.ckpt-9", tmp_path / "ours", message)


def test_without_a_configuration(checkpoint: Path, tmp_path: Path):
    (checkpoint.parent / "config.json").unlink()
    refused(
        checkpoint,
        tmp_path / "ours",
        "config.json is missing; a TensorFlow checkpoint does not say",
        "head_ratio",
    )


def test_another_kind_of_convolution(checkpoint: Path, tmp_path: Path):
    path = checkpoint.parent / "config.json"
    path.write_text(path.read_text().replace("sdconv", "dconv"))
    refused(checkpoint, tmp_path / "ours", "conv_type in", "is 'dconv'; only 'sdconv'")
    path.write_text(path.read_text().replace('"conv_type": "dconv"', '"convolution": "dynamic"'))
    refused(checkpoint, tmp_path / "ours", "convolution in", "is 'dynamic'; the authors' code")
    path.write_text(path.read_text().replace('"convolution": "dynamic"', '"shared_values": true'))
    refused(checkpoint, tmp_path / "ours", "shared_values in", "is true; in the authors' code")


def test_a_configuration_of_another_model(checkpoint: Path, tmp_path: Path):
    path = checkpoint.parent / "config.json"
    path.write_text(path.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    refused(checkpoint, tmp_path / "ours", "missing: electra/encoder/layer_2/attention/self/query/kernel")
    path.write_text(
        path.read_text().replace('"num_hidden_layers": 3', '"num_hidden_layers": 2').replace("97", "98")
    )
    refused(
        checkpoint,
        tmp_path / "ours",
        "electra/embeddings/word_embeddings has shape (97, 16), but it must be (98, 16)",
    )


def test_a_folder_is_not_a_checkpoint_but_they_are_listed(checkpoint: Path, tmp_path: Path):
    refused(checkpoint.parent, tmp_path / "ours", "name the one to convert", str(checkpoint))


@pytest.mark.parametrize("name", [INDEX, DATA])
def test_a_damaged_file(name: str, checkpoint: Path, tmp_path: Path):
    path = checkpoint.with_name(name)
    whole = path.read_bytes()
    for length in (0, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(checkpoint, tmp_path / "ours", f"{checkpoint} is damaged or not all there")
    path.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    refused(checkpoint, tmp_path / "ours", f"{checkpoint} is damaged or not all there")


def test_a_file_is_missing(checkpoint: Path, tmp_path: Path):
    checkpoint.with_name(DATA).unlink()
    refused(checkpoint, tmp_path / "ours", f"{checkpoint} is damaged or not all there")
    checkpoint.with_name(INDEX).unlink()
    refused(
        checkpoint, tmp_path / "ours", "neither a TensorFlow checkpoint (", "model.ckpt-7.index is missing)"
    )


def test_a_vocabulary_that_the_model_has_no_rows_for(checkpoint: Path, tmp_path: Path):
    words = [f"word{number}" for number in range(200)]
    (checkpoint.parent / "vocab.txt").write_text("\n".join(VOCABULARY + words))
    refused(checkpoint, tmp_path / "ours", "holds 207 tokens, but the model has 97 rows")


def test_a_full_disk_leaves_nothing(checkpoint: Path, tmp_path: Path):
    with full_disk(after=1000):
        refused(checkpoint, tmp_path / "ours", "could not be written", "File too large")


def test_without_tensorflow_the_remedy_is_named(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # what `import` sees where it is not installed
    refused(checkpoint, tmp_path / "ours", "needs TensorFlow", "pip install '.[tensorflow]'")
