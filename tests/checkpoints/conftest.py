"""Model folders to spoil, and a hub on this machine that the client talks to, with a cache of its own in each test."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.torch import load_file

from checkpoints.repositories import pickled, sharded
from convbert_edu import ConvBertModel, ConvBertTokenizer
from local_hub import LocalHub
from models.cases import build

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "word"]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    """An empty hub, asked by everyone in this process: as with HF_ENDPOINT and HF_HOME, which are read at import."""
    local = LocalHub()
    monkeypatch.setattr(constants, "ENDPOINT", local.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", local.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub_cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    pause = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: pause(min(seconds, 0.01)))  # between two attempts
    yield local
    local.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with a tokenizer, whose weights are a pickle."""
    folder = tmp_path / "model"
    build(ConvBertModel).save_pretrained(folder)
    ConvBertTokenizer(WORDS).save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickled(tensors))
    return folder


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """A model folder whose weights lie in three shards."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for name, data in sharded("ConvBertModel", "safetensors").items():
        (folder / name).write_bytes(data)
    return folder
