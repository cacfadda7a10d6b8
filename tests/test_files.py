"""Files appear whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from convbert_edu.files import atomic_folder, atomic_path, atomic_write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_text_arrive(tmp_path: Path):
    with atomic_write(tmp_path / "bytes") as file:
        file.write(b"\x00\xff")
    with atomic_write(tmp_path / "text", "w") as file:
        file.write("naïve 語\n")
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"
    assert (tmp_path / "text").read_bytes() == "naïve 語\n".encode()
    assert names(tmp_path) == ["bytes", "text"]


def test_folders_on_the_way_are_made(tmp_path: Path):
    with atomic_write(tmp_path / "a" / "b" / "file") as file:
        file.write(b"1")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"1"


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"half")
        file.flush()
        assert path.read_bytes() == b"old"
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt(), ValueError("bad number")])
@pytest.mark.parametrize("old", [None, b"old"])
def test_an_error_leaves_what_was_there_and_nothing_else(
    error: BaseException, old: bytes | None, tmp_path: Path
):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(type(error)), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert names(tmp_path) == ([] if old is None else ["file"])
    assert old is None or path.read_bytes() == old


def test_a_rename_that_fails_leaves_nothing_half_written(tmp_path: Path):
    (tmp_path / "taken").mkdir()  # no file can take the name of a folder
    with pytest.raises(OSError, match="taken"), atomic_write(tmp_path / "taken") as file:
        file.write(b"whole")
    assert names(tmp_path) == ["taken"]


def test_a_library_may_write_the_file_itself_and_replace_it(tmp_path: Path):
    with atomic_path(tmp_path / "file") as part:
        other = tmp_path / "other"
        other.write_bytes(b"whole")
        os.replace(other, part)
        assert names(tmp_path) == [part.name]
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_folder_appears_with_all_that_is_in_it(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for name in ("a/new", "empty"):
        with atomic_folder(tmp_path / name) as part:
            (part / "one").write_text("1")
            assert not (tmp_path / name / "one").exists()
        assert names(tmp_path / name) == ["one"]
    assert names(tmp_path) == ["a", "empty"]
    assert names(tmp_path / "a") == ["new"]


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_a_folder_that_was_not_finished_is_gone(error: BaseException, tmp_path: Path):
    with pytest.raises(type(error)), atomic_folder(tmp_path / "folder") as part:  # noqa: PT012
        (part / "one").write_text("1")
        raise error
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("1")
    (tmp_path / "file").write_text("1")
    for name, said in (("full", "full is not empty"), ("file", "file is a file")):
        with pytest.raises(FileExistsError, match=said), atomic_folder(tmp_path / name):
            pytest.fail("the block must not begin")
    assert names(tmp_path) == ["file", "full"]
    assert names(tmp_path / "full") == ["mine"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_can_be_read_by_those_whom_the_user_allows(umask: int, mode: int, tmp_path: Path):
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "file") as file:
            file.write(b"1")
        with atomic_folder(tmp_path / "folder"):
            pass
    finally:
        assert os.umask(before) == umask, "the user's setting is as before"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~umask
