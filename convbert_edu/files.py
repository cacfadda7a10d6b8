"""Files: written whole or not at all, read as JSON with clear errors, and never outside a model's folder."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


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
    """Like `atomic_write`, for a library that opens the file itself: yield the path that it is to write to."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "r+b") as written:
            os.fsync(written.fileno())
        # Temporary files are private; ours are meant to be read.
        os.chmod(name, 0o666 & ~_umask())
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
    """Return the process's file-creation mask; the only way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


# Reading JSON files that somebody else may have written ------------------------------------------------------


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that must hold one JSON object; raises ValueError naming the file and what is wrong."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}); download or save it again") from error
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds a JSON {type(values).__name__}, not an object {{...}} of named fields"
        )
    return values


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads in JSON and other programs do not."""
    raise ValueError(f"{name} is not a JSON number")


# A model folder's own files: what a stranger wrote into a folder cannot point elsewhere ----------------------


def file_inside(folder: Path, name: str) -> Path:
    """Return the path of the file `name` of a model folder, whether it is there or not.

    Raises ValueError where that leads out of the folder: by an absolute path, by "..", or by a symbolic link. The
    hub's cache is the one exception: there, each file of a snapshot is a link to a store of contents beside it.
    """
    path = folder / name
    try:
        home, target = folder.resolve(), path.resolve()
    # Links in a circle, or a zero byte in the name.
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{name!r} cannot be a file of the model folder {folder}: {error}") from error
    if not any(target.is_relative_to(allowed) for allowed in [home, *_stores_of_the_hubs_cache(home)]):
        raise ValueError(
            f"{name!r} leads out of the model folder {folder}, to {target}; all files of a model must lie in its "
            "folder. If you trust it, copy the file to where the name points from"
        )
    return path


def _stores_of_the_hubs_cache(folder: Path) -> list[Path]:
    """Return where the files of a snapshot really lie: CACHE/models--OWNER--NAME/blobs, or CACHE/blobs if shared.

    The folder of the snapshot itself is CACHE/models--OWNER--NAME/snapshots/COMMIT.
    """
    repository = folder.parent.parent
    if folder.parent.name == "snapshots" and repository.name.startswith("models--"):
        return [repository / "blobs", repository.parent / "blobs"]
    return []
