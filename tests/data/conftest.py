"""What the tests of the data have in common: the texts, read once, and an index with one tiny wheel."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from convbert_edu.data import Splits, load_reviews, load_topics
from wheel_index import WheelIndex, add_source, build_wheel


@pytest.fixture(scope="session")
def rotten_tomatoes() -> Splits:
    return load_reviews("rotten_tomatoes")


@pytest.fixture(scope="session")
def imdb() -> Splits:
    return load_reviews("imdb")


@pytest.fixture(scope="session")
def topics() -> Splits:
    return load_topics()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, which does not exist yet."""
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pip forget every index, mirror and proxy of this machine, and give up at once."""
    for name in [name for name in os.environ if name.startswith("PIP_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")


@pytest.fixture
def index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, only_loopback: None
) -> Iterator[WheelIndex]:
    """An index that serves the wheel of a source called "tiny", which is added to the table."""
    filename = "tiny_data-1.0-py3-none-any.whl"
    content = build_wheel(tmp_path / filename, {"tiny_data/words.txt": "naïve\n" * 5000})
    add_source(monkeypatch, content)
    index = WheelIndex(filename, content)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    yield index
    index.close()
