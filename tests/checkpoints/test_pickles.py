"""A pickle may be a program: nothing in it runs, and only plain tensors are taken from it."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints.repositories import pickled
from convbert_edu import ConvBertModel
from models.cases import build


class Own:
    """A class of the user's: harmless, but nobody can know."""


class Runs:
    """When it is unpickled, Python calls a function."""

    def __init__(self, function: Callable, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("form", ["zip", "before 2020", "bare pickle"])
@pytest.mark.parametrize("kind", ["os.system", "eval", "class"])
def test_a_pickle_that_would_run_something_is_refused_and_nothing_runs(
    kind: str, form: str, folder: Path, tmp_path: Path
):
    trace = tmp_path / "it_ran"
    item = {
        "os.system": Runs(os.system, f"touch {trace}"),
        "eval": Runs(eval, f"open({str(trace)!r}, 'w')"),
        "class": Own(),
    }
    content = {"embeddings.word_embeddings.weight": torch.zeros(2, 2), "more": item[kind]}
    path = folder / "pytorch_model.bin"
    if form == "bare pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        path.write_bytes(pickled(content, _use_new_zipfile_serialization=form == "zip"))
    with pytest.raises(
        ValueError, match=r"pytorch_model\.bin was refused, and nothing in it was run"
    ) as raised:
        ConvBertModel.from_pretrained(folder)
    assert "can run any program of whoever made it. Ask its author for a model.safetensors" in str(
        raised.value
    )
    assert "weights_only" not in str(raised.value), "no advice how to run it all the same"
    assert not trace.exists()
    # The file is as dangerous as it looks: Python's own reader does what it says.
    if kind == "os.system" and form == "bare pickle":
        pickle.loads(path.read_bytes())
        assert trace.exists()


def test_what_the_pickle_asks_for_is_named(folder: Path):
    (folder / "pytorch_model.bin").write_bytes(pickled({"a": Own()}))
    with pytest.raises(ValueError, match=r"it asks for [\w.]*Own, and a pickle"):
        ConvBertModel.from_pretrained(folder)


def test_an_environment_variable_does_not_open_the_door(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    (folder / "pytorch_model.bin").write_bytes(
        pickled({"a": Runs(os.system, f"touch {tmp_path / 'it_ran'}")})
    )
    with pytest.raises(ValueError, match="was refused"):
        ConvBertModel.from_pretrained(folder)
    assert not (tmp_path / "it_ran").exists()


def test_safetensors_are_preferred(folder: Path, tmp_path: Path):
    build(ConvBertModel).save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(
        pickled({"a": Runs(os.system, f"touch {tmp_path / 'it_ran'}")})
    )
    assert ConvBertModel.from_pretrained(folder).loading_report.source == str(folder / "model.safetensors")


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"a": 1}, {1: torch.zeros(1)}, {"state_dict": {"a": torch.zeros(1)}}, torch.zeros(2),
     {"a": torch.eye(2).to_sparse()}],
    ids=["list", "number", "number as a name", "nested", "one tensor", "sparse"],
)  # fmt: skip
def test_a_pickle_of_something_else(content: object, folder: Path):
    torch.save(content, folder / "pytorch_model.bin")
    with pytest.raises(
        ValueError, match=r"something else than a dictionary of named tensors; save the state_dict\(\)"
    ):
        ConvBertModel.from_pretrained(folder)


@pytest.mark.parametrize("new", [True, False])
def test_a_pickle_cut_short(new: bool, folder: Path):
    whole = pickled({"a": torch.zeros(1000)}, _use_new_zipfile_serialization=new)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        (folder / "pytorch_model.bin").write_bytes(whole[:length])
        with pytest.raises(
            ValueError,
            match=r"pytorch_model\.bin (is not a whole file of PyTorch weights|was refused).*download it again",
        ):
            ConvBertModel.from_pretrained(folder)


@pytest.mark.parametrize(
    "data", [b"version https://git-lfs.github.com/spec/v1\n", b"\xff" * 64, b"<!DOCTYPE html>" * 9, b"{}"]
)
def test_a_file_of_another_kind_with_the_name_of_a_pickle(data: bytes, folder: Path):
    (folder / "pytorch_model.bin").write_bytes(data)
    with pytest.raises(ValueError, match=r"was refused, .*it is no file of plain tensors.*download it again"):
        ConvBertModel.from_pretrained(folder)


def test_tensors_that_share_memory_in_the_file_do_not_in_the_model(folder: Path):
    tensors = torch.load(folder / "pytorch_model.bin")
    shared = torch.randn(64)
    names = [
        f"encoder.layer.{layer}.output.LayerNorm.{part}" for layer in (0, 1) for part in ("weight", "bias")
    ]
    torch.save(tensors | dict.fromkeys(names, shared[:32]), folder / "pytorch_model.bin")
    model = ConvBertModel.from_pretrained(folder)
    with torch.no_grad():
        model.layers[0].feed_forward_norm.weight.zero_()
    assert torch.equal(model.layers[1].feed_forward_norm.weight, shared[:32])
