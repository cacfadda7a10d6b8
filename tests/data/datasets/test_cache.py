"""Where fetched files are kept."""

from pathlib import Path

import pytest

from convbert_edu.data import cache_folder


def test_the_environment_moves_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"


def test_a_tilde_means_the_home_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONVBERT_EDU_CACHE", "~/texts")
    assert cache_folder() == Path.home() / "texts"


@pytest.mark.parametrize("value", [None, ""])
def test_otherwise_it_is_the_users_own_cache(monkeypatch: pytest.MonkeyPatch, value: str | None):
    if value is None:
        monkeypatch.delenv("CONVBERT_EDU_CACHE", raising=False)
    else:
        monkeypatch.setenv("CONVBERT_EDU_CACHE", value)
    assert cache_folder().is_absolute()
    assert cache_folder().name == "convbert-edu"
