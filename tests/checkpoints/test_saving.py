"""Saving: weights come back bit for bit, and a save that fails leaves the old folder as it was."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from convbert_edu import ConvBertForMaskedLM, ConvBertForTokenClassification, ConvBertModel
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build, inputs_for
from tolerance import assert_same_numbers


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def results(output: Any) -> dict[str, torch.Tensor]:
    """What a model returned, by name."""
    return {name: value for name, value in vars(output).items() if value is not None}


@pytest.mark.parametrize(
    "changes", [{}, {"tie_word_embeddings": False, "num_groups": 1, "embedding_size": 32}]
)
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_the_weights_of_a_saved_model_come_back_bit_for_bit(
    model: type[PretrainedModel], changes: dict[str, Any], tmp_path: Path
):
    saved = build(model, **changes)
    saved.save_pretrained(tmp_path)
    assert sorted(contents(tmp_path)) == ["config.json", "model.safetensors"]
    loaded = model.from_pretrained(str(tmp_path))
    assert not loaded.training
    assert loaded.loading_report.newly_initialised == []
    assert loaded.loading_report.ignored == []
    names = [name for name, _ in saved.named_parameters()]
    assert loaded.loading_report.loaded == sorted(names)
    for (name, before), (same_name, after) in zip(
        saved.named_parameters(), loaded.named_parameters(), strict=True
    ):
        assert name == same_name
        assert torch.equal(before, after), name
    inputs = inputs_for(model)
    assert_same_numbers(results(loaded(**inputs)), results(saved(**inputs)))


def test_the_papers_gamma_comes_back(tmp_path: Path):
    saved = build(ConvBertModel, gamma_bottleneck=True, head_ratio=4)
    saved.save_pretrained(tmp_path)
    loaded = ConvBertModel.from_pretrained(tmp_path)
    assert loaded.config.gamma_bottleneck
    inputs = inputs_for(ConvBertModel)
    assert_same_numbers(loaded(**inputs).last_hidden_state, saved(**inputs).last_hidden_state)


def test_a_tied_weight_is_stored_once(tmp_path: Path):
    build(ConvBertForMaskedLM).save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert "convbert.embeddings.word_embeddings.weight" in stored
    assert "generator_lm_head.weight" not in stored
    loaded = ConvBertForMaskedLM.from_pretrained(tmp_path)
    assert loaded.masked_lm_head.decoder.weight is loaded.encoder.embeddings.word.weight


def test_the_configuration_says_what_is_beside_it_and_is_not_changed_by_saving(tmp_path: Path):
    model = build(ConvBertForTokenClassification, extra={"torch_dtype": "float16", "colour": "blue"})
    model.save_pretrained(tmp_path)
    assert model.config.extra == {"torch_dtype": "float16", "colour": "blue"}
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["architectures"] == ["ConvBertForTokenClassification"]
    assert written["model_type"] == "convbert"
    assert written["dtype"] == "float32"
    assert written["colour"] == "blue"
    assert "torch_dtype" not in written


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_transformers_opens_the_weights_in_the_precision_they_have(dtype: torch.dtype, tmp_path: Path):
    """Not in the one that an older folder had: weights read from a float16 file are float32 here."""
    theirs = transformers.ConvBertModel(transformers.ConvBertConfig(**build(ConvBertModel).config.to_dict()))
    theirs.half().save_pretrained(tmp_path / "half")
    ours = ConvBertModel.from_pretrained(tmp_path / "half")
    assert ours.dtype == torch.float32
    ours.to(dtype).save_pretrained(tmp_path / "ours")
    assert transformers.ConvBertModel.from_pretrained(tmp_path / "ours").dtype == dtype


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """Let the system refuse to write a file beyond `size` bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 100, 50_000])
def test_a_full_disk_leaves_the_old_folder_whole(room: int, tmp_path: Path):
    build(ConvBertModel).save_pretrained(tmp_path)
    before = contents(tmp_path)
    assert room < len(before["model.safetensors"])
    other = build(ConvBertModel, num_hidden_layers=3)
    with disk_with_room_for(room), pytest.raises(OSError, match="File too large"):
        other.save_pretrained(tmp_path)
    assert contents(tmp_path) == before
    ConvBertModel.from_pretrained(tmp_path)


def test_a_full_disk_leaves_nothing_in_a_new_folder(tmp_path: Path):
    with disk_with_room_for(100), pytest.raises(OSError, match="File too large"):
        build(ConvBertModel).save_pretrained(tmp_path / "new")
    assert contents(tmp_path / "new") == {}


def test_a_configuration_that_contradicts_itself_leaves_nothing_in_a_new_folder(tmp_path: Path):
    model = build(ConvBertForTokenClassification)
    model.config.id2label = {0: "outside", 1: "inside"}
    with pytest.raises(ValueError, match="label2id"):
        model.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()


SAVE_AND_MEASURE = """
import resource, sys, torch
from convbert_edu import ConvBertConfig, ConvBertModel

def most_memory():  # in bytes on macOS, in kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

model = ConvBertModel(ConvBertConfig.tiny(vocab_size=200_000))
before = most_memory()
model.save_pretrained(sys.argv[1])
print((most_memory() - before) / (4 * model.num_parameters()))
"""


def test_saving_makes_no_second_copy_of_the_model_in_memory(tmp_path: Path):
    command = [sys.executable, "-c", SAVE_AND_MEASURE, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert float(result.stdout) < 0.3


def test_a_place_that_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "model").write_text("not a folder")
    with pytest.raises(FileExistsError, match="model"):
        build(ConvBertModel).save_pretrained(tmp_path / "model")
