"""Writing files and folders so that a reader never meets half of one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "wb") -> Iterator[IO]:
    """Open a file beside `path` for writing; it takes the name `path` only when everything is on disk.

    On any error (a full disk, Ctrl-C) the partial file is removed and whatever stood at `path` stays as it was.
    `mode` is "wb" for bytes or "w" for UTF-8 text.
    """
    with atomic_path(path) as part, part.open(mode, encoding=None if "b" in mode else "utf-8") as file:
        yield file


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Like `atomic_write`, for a library that opens the file itself: yield the name that it shall write to."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "r+b") as written:
            os.fsync(written.fileno())
        os.chmod(name, 0o666 & ~_umask())  # temporary files are private; ours are meant to be read
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Make a folder beside `path` to fill; it takes the name `path` only when the block ends without an error.

    Raises FileExistsError, before anything is done, where `path` is a file or a folder that holds something.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is a file; give the name of a folder that is new or empty")
    if path.is_dir() and any(path.iterdir()):
        raise FileExistsError(f"{path} is not empty; give the name of a folder that is new or empty")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    try:
        yield part
        os.chmod(part, 0o777 & ~_umask())
        if path.is_dir():
            path.rmdir()
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _umask() -> int:
    """The process's file-creation mask; the only way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
