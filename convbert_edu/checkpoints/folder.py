"""From a name to a folder on disk: bundled with the package, or given as a path."""

import os
from pathlib import Path

BUNDLED = Path(__file__).parents[1] / "bundled"


def resolve_folder(name_or_path: str | os.PathLike) -> Path:
    """Return the folder of a model: a local path, or the name of a model that is bundled with the package.

    Raises FileNotFoundError, saying what there is, where it is neither.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return path
    bundled = bundled_models()
    if str(name_or_path) in bundled:
        return BUNDLED / str(name_or_path)
    raise FileNotFoundError(
        f"{str(name_or_path)!r} is neither a folder nor a bundled model; "
        f"give the path of a folder with config.json, or one of {bundled}"
    )


def bundled_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))
