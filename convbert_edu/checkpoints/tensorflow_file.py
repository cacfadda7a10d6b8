"""The files of a TensorFlow 1 checkpoint: model.ckpt-7.index says what is in them, model.ckpt-7.data-... holds it."""

import importlib
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

OPTIMISER = ("/adam_m", "/adam_v")
ENDING = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")


def find_prefix(path: str | os.PathLike) -> Path | None:
    """Return the checkpoint that `path` names, as `model.ckpt-7` or as one of its files; None if it names none."""
    prefix = Path(ENDING.sub("", str(path)))
    return prefix if Path(f"{prefix}.index").is_file() else None


def prefixes_in(folder: Path) -> list[Path]:
    """Return the checkpoints that lie in a folder."""
    return sorted(path.with_suffix("") for path in folder.glob("*.index"))


def read_variables(prefix: Path) -> dict[str, np.ndarray]:
    """Return the variables of a checkpoint by name, without what the optimiser remembers of each (adam_m, adam_v).

    Raises ModuleNotFoundError without the package tensorflow, ValueError, naming the checkpoint, where its files are
    damaged or one of them is missing; the checksums in them are looked at.
    """
    tensorflow = _import_tensorflow()
    try:
        reader = tensorflow.train.load_checkpoint(str(prefix))
        names = [name for name in reader.get_variable_to_shape_map() if not name.endswith(OPTIMISER)]
        return {name: np.asarray(reader.get_tensor(name)) for name in names}
    except (tensorflow.errors.OpError, LookupError) as error:  # LookupError: a file is cut short
        raise ValueError(
            f"the TensorFlow checkpoint {prefix} is damaged or not all there ({error}); copy its files "
            f"{prefix.name}.index and {prefix.name}.data-... again"
        ) from error


def _import_tensorflow() -> Any:
    """Import TensorFlow, which only this file needs, without the lines that it writes to the screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        return importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"reading a TensorFlow checkpoint needs TensorFlow ({error}); install it with "
            "`pip install '.[tensorflow]'` in this project's folder; there is none for Python 3.14 yet"
        ) from error
