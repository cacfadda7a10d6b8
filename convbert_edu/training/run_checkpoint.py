"""Checkpoints of a run that is under way: all that it needs to go on exactly, in one file that is never half-written.

They are for going on with a run. To use a model, take the folders that a run saves at its end. Lesson 15 kills a run
and goes on with it.
"""

import io
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from convbert_edu.files import atomic_write

# The newest, and the one before in case the disk spoils the newest.
KEEP = 2


def save_checkpoint(folder: str | os.PathLike, step: int, state: dict[str, Any]) -> Path:
    """Write `state` (tensors, numbers, text; nested) as the checkpoint of `step`; then remove old ones.

    Raises OSError where it cannot be written; the checkpoints before it stay as they are.
    """
    folder = Path(folder)
    data = io.BytesIO()
    torch.save(state, data)
    path = folder / f"step-{step:09d}.pt"
    try:
        with atomic_write(path) as file:
            file.write(data.getbuffer())
    except OSError as error:
        size = len(data.getbuffer()) / 1e6
        raise OSError(
            f"the checkpoint of step {step} ({size:.1f} MB) could not be written to {folder}: {error}"
        ) from error
    for old in _checkpoints_in(folder)[:-KEEP]:
        old.unlink()
    return path


def newest_checkpoint(folder: str | os.PathLike) -> Path | None:
    """Return the path of the newest checkpoint in `folder`, or None."""
    found = _checkpoints_in(Path(folder))
    return found[-1] if found else None


def load_checkpoint(path: str | os.PathLike, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; its tensors come to `device`. Nothing in it is run, whoever wrote it.

    Raises ValueError where it is damaged.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"the checkpoint {path} is damaged ({type(error).__name__}); delete it, and --resume goes on from the one "
            "before"
        ) from error


def check_same_run(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise ValueError, naming what differs, where the checkpoint at `path` belongs to another run.

    before, now: by name, all that must not change when a run goes on
    """
    differ = [
        f"{name} was {before.get(name)!r}, now {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if differ:
        raise ValueError(
            f"{path} belongs to another run: {'; '.join(differ)}. Go on with the same settings and text, or start a "
            "new run in another folder"
        )


def _checkpoints_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.pt"))
