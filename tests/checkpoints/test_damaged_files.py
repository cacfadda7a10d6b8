"""Weights that are damaged or do not fit are refused by name, and nothing of them gets into the model."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from convbert_edu import ConvBertForTokenClassification, ConvBertModel
from convbert_edu.checkpoints.loading import load_weights
from convbert_edu.checkpoints.weight_files import open_weights
from convbert_edu.models.base import PretrainedModel
from models.cases import build

QUERY, LAST = "convbert.encoder.layer.1.attention.self.query.weight", "classifier.bias"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(ConvBertForTokenClassification).save_pretrained(tmp_path)
    return tmp_path


def change(folder: Path, edit: Callable[[dict[str, Tensor]], None]) -> None:
    """Edit the stored tensors in place."""
    stored = load_file(folder / "model.safetensors")
    edit(stored)
    save_file(stored, folder / "model.safetensors")


def load_from(path: Path, target: PretrainedModel) -> None:
    with open_weights(path) as weights:
        load_weights(target, weights, source=str(path))


def refused(folder: Path, *parts: str, model: type[PretrainedModel] = ConvBertForTokenClassification) -> None:
    """Expect that the folder's weights are refused with all `parts` in the message, and that no weight changes."""
    target = build(model)
    before = {name: parameter.clone() for name, parameter in target.named_parameters()}
    with pytest.raises(ValueError, match=re.escape(str(folder / "model.safetensors"))) as raised:
        load_from(folder / "model.safetensors", target)
    for part in parts:
        assert part in str(raised.value)
    for name, parameter in target.named_parameters():
        assert torch.equal(parameter, before[name])
    with pytest.raises(ValueError, match=re.escape(parts[0])):
        model.from_pretrained(folder)


def test_a_file_cut_short_anywhere(folder: Path):
    whole = (folder / "model.safetensors").read_bytes()
    for length in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        (folder / "model.safetensors").write_bytes(whole[:length])
        refused(folder, "is not a whole safetensors file", "damaged or cut short; copy or download it again")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02}q\x00.",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"\xff" * 64,
        b"<!DOCTYPE html>" * 9,
    ],
    ids=["pickle", "pointer", "noise", "web page"],
)
def test_a_file_of_another_kind(data: bytes, folder: Path):
    (folder / "model.safetensors").write_bytes(data)
    refused(folder, "is not a whole safetensors file")


def test_a_header_that_points_beyond_the_end(folder: Path):
    data = bytearray((folder / "model.safetensors").read_bytes())
    start = data.index(b'"data_offsets":[') + len(b'"data_offsets":[')
    data[start : start + 1] = b"9"
    (folder / "model.safetensors").write_bytes(bytes(data))
    refused(folder, "is not a whole safetensors file")


def test_a_tensor_that_is_missing(folder: Path):
    change(folder, lambda stored: stored.pop(QUERY))
    refused(
        folder,
        "do not fit the configuration; nothing was loaded",
        "missing: encoder.layers.1.attention.query.weight",
        "Use the config.json that was saved with these weights",
    )


def test_tensors_that_are_missing_and_others_that_are_unexpected(folder: Path):
    change(folder, lambda stored: stored.update({"convbert.strange": stored.pop(QUERY)}))
    refused(folder, "missing: encoder.layers.1.attention.query.weight", "unexpected: convbert.strange")


@pytest.mark.parametrize("shape", [(16, 31), (32, 16), (17, 32), (512,), (16, 32, 2)])
def test_a_tensor_of_another_shape(shape: tuple[int, ...], folder: Path):
    change(folder, lambda stored: stored.update({QUERY: torch.zeros(shape)}))
    refused(folder, f"{QUERY} has shape {shape}, but encoder.layers.1.attention.query.weight needs (16, 32)")


def test_a_head_of_another_shape_that_nobody_asked_to_replace(folder: Path):
    change(folder, lambda stored: stored.update({LAST: torch.zeros(7)}))
    refused(folder, "classifier.bias has shape (7,), but token_classifier.bias needs (2,)")


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool])
def test_a_tensor_that_holds_no_real_numbers(dtype: torch.dtype, folder: Path):
    change(folder, lambda stored: stored.update({QUERY: torch.ones(16, 32, dtype=dtype)}))
    refused(
        folder, f"{QUERY} has dtype {dtype}, but encoder.layers.1.attention.query.weight needs floating-point"
    )


def test_the_weights_of_quite_another_model(folder: Path):
    save_file({"bert.pooler.dense.weight": torch.zeros(3, 3)}, folder / "model.safetensors")
    refused(folder, "unexpected: bert.pooler.dense.weight", "encoder.embeddings.word.weight", "layers.1.")


def test_a_configuration_of_another_size(folder: Path):
    with pytest.raises(
        ValueError, match=r"has shape \(99, 16\), but embeddings\.word\.weight needs \(120, 16\)"
    ):
        ConvBertModel.from_pretrained(folder, vocab_size=120)
    with pytest.raises(ValueError, match=r"missing: layers\.2\.attention\.query\.weight"):
        ConvBertModel.from_pretrained(folder, num_hidden_layers=3)


def test_a_missing_file_is_named(folder: Path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"model\.safetensors is missing; a model folder holds its weights"
    ):
        ConvBertModel.from_pretrained(folder)
