"""From a name to a folder on disk: a local path, a bundled model, or a repository on the hub (lesson 06)."""

import os
from pathlib import Path

from convbert_edu.checkpoints.weight_files import Needs

BUNDLED = Path(__file__).parents[1] / "bundled"


def resolve_folder(
    name_or_path: str | os.PathLike, needs: Needs = "config", revision: str | None = None
) -> Path:
    """Return the folder of a model. From the hub only the files that are needed are fetched, at `revision`.

    A local folder comes first, then a bundled name; "OWNER/NAME" is a repository on the hub.
    Raises FileNotFoundError, saying what there is, where it is none of them; see `fetch_folder` for the hub.
    """
    path, name = Path(name_or_path), str(name_or_path)
    bundled = bundled_models()
    if path.is_dir() or name in bundled:
        if revision is not None:
            raise ValueError(
                f"revision is {revision!r}, but {name!r} is a folder on this machine; only repositories on the hub "
                "have revisions: leave it out"
            )
        return path if path.is_dir() else BUNDLED / name
    if isinstance(name_or_path, str) and name.count("/") == 1 and not path.is_absolute():
        from convbert_edu.checkpoints.hub import fetch_folder

        return fetch_folder(name, needs, revision)
    raise FileNotFoundError(
        f"{name!r} is neither a folder nor a bundled model, nor the OWNER/NAME of a repository on the hub; "
        f"give the path of a folder with config.json, or one of {bundled}"
    )


def bundled_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))
