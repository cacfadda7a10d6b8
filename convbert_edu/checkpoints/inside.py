"""A model folder's own files, and nothing beyond them: what a stranger wrote into a folder cannot point elsewhere."""

from pathlib import Path


def file_inside(folder: Path, name: str) -> Path:
    """Return the path of the file `name` of a model folder, whether it is there or not.

    Raises ValueError where that leads out of the folder: by an absolute path, by "..", or by a symbolic link. The
    hub's cache is the one exception: there, each file of a snapshot is a link to a store of contents beside it.
    """
    path = folder / name
    try:
        home, target = folder.resolve(), path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a zero byte in the name
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
