"""pytorch_model.bin: tensors in a pickle. A pickle can be a program, so everything that is no tensor is refused."""

import pickle
import re
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from convbert_edu.checkpoints.stored_tensors import TensorsInMemory
from convbert_edu.device import find_device


class PickledFile(TensorsInMemory):
    """The tensors of a `pytorch_model.bin`, read by PyTorch's reader for tensors only, which never runs anything.

    Raises ValueError where the file is damaged or holds anything but named tensors.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(_read(path))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        # Files since 2020 are zip archives, of which single tensors can be read when they are asked for.
        content = torch.load(
            path, map_location=find_device("cpu"), weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except pickle.UnpicklingError as error:
        # PyTorch's own message goes on to say how to run the file all the same.
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise ValueError(
            f"{path} was refused, and nothing in it was run: "
            + (f"it asks for {found[1]}, " if found else "it is no file of plain tensors, ")
            + "and a pickle that holds more than tensors can run any program of whoever made it. Ask its author "
            "for a model.safetensors; if it should hold tensors only, download it again"
        ) from None
    except PermissionError:
        raise
    except (
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        IndexError,
    ) as error:
        reason = str(error).split(". ")[0] or type(error).__name__
        raise ValueError(
            f"{path} is not a whole file of PyTorch weights ({reason}): it is damaged or cut short; "
            "copy or download it again (if it lies in a cache, delete it there first)"
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) and tensor.layout is torch.strided
        for name, tensor in content.items()
    ):
        raise ValueError(
            f"{path} holds something else than a dictionary of named tensors; save the state_dict() of the model alone"
        )
    return content
