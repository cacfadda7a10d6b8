"""Weights in several files: all of them, and only those that lie in the folder."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from convbert_edu import ConvBertModel


def change_index(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(change(index) or index))


def move_out(shards: Path, new_name: str) -> None:
    """Name the second shard otherwise in the index."""

    def rename(index: dict) -> None:
        for tensor, name in index["weight_map"].items():
            if "00002" in name:
                index["weight_map"][tensor] = new_name

    change_index(shards, rename)


@pytest.mark.parametrize("way", ["..", "absolute", "symlink", "folder as a symlink"])
def test_a_shard_outside_the_folder_is_refused(way: str, shards: Path):
    inside, outside = (
        shards / "model-00002-of-00003.safetensors",
        shards.parent / "elsewhere" / "model.safetensors",
    )
    outside.parent.mkdir()
    inside.rename(outside)
    name = {"..": "../elsewhere/model.safetensors", "absolute": str(outside), "symlink": inside.name,
            "folder as a symlink": "sub/model.safetensors"}[way]  # fmt: skip
    if way == "symlink":
        inside.symlink_to(outside)
    if way == "folder as a symlink":
        (shards / "sub").symlink_to(outside.parent)
    move_out(shards, name)
    with pytest.raises(
        ValueError, match=rf"{re.escape(repr(name))} leads out of the model folder .* must lie in its folder"
    ):
        ConvBertModel.from_pretrained(shards)


def test_a_shard_in_a_folder_inside_and_a_link_inside_are_fine(shards: Path):
    (shards / "sub").mkdir()
    (shards / "model-00002-of-00003.safetensors").rename(shards / "sub" / "two.safetensors")
    (shards / "link.safetensors").symlink_to("sub/two.safetensors")
    move_out(shards, "link.safetensors")
    assert ConvBertModel.from_pretrained(shards).loading_report.newly_initialised == []


def test_a_missing_shard_is_named(shards: Path):
    (shards / "model-00003-of-00003.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"model-00003-of-00003\.safetensors is missing"):
        ConvBertModel.from_pretrained(shards)


def test_an_index_that_does_not_belong_to_its_shards(shards: Path):
    change_index(
        shards, lambda index: index["weight_map"].update({"pooler.bias": "model-00001-of-00003.safetensors"})
    )
    with pytest.raises(
        ValueError, match=r"says that model-00001-of-00003\.safetensors holds 'pooler\.bias', but it does not"
    ):
        ConvBertModel.from_pretrained(shards)


@pytest.mark.parametrize(
    "index",
    [{}, {"weight_map": []}, {"weight_map": {}}, {"weight_map": {"a": 1}}, {"weight_map": {"a": None}}],
)
def test_an_index_of_another_form(index: dict, shards: Path):
    change_index(shards, lambda _: index or {"metadata": {}})
    with pytest.raises(ValueError, match=r'is no index of shards: it needs a "weight_map"'):
        ConvBertModel.from_pretrained(shards)


@pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 5000])
def test_names_of_shards_that_no_file_can_have(name: str, shards: Path):
    move_out(shards, name)
    with pytest.raises((ValueError, OSError)):
        ConvBertModel.from_pretrained(shards)
