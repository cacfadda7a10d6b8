"""A safetensors file: a list of tensors, then their bytes. Reading it can run nothing and takes no second copy."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from convbert_edu.checkpoints.stored_tensors import StoredTensors

KINDS = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class SafetensorsFile(StoredTensors):
    """An open file, from which one tensor after the other is read into memory of its own.

    Mapping the file into memory would be less work, but then a model would change, or crash, with its file.
    Raises ValueError where the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with safe_open(path, framework="np"):
                pass  # the library checks that the list is sound and fits the bytes
        except SafetensorError as error:
            raise self._damaged(str(error)) from error
        self._file = path.open("rb")
        length = int.from_bytes(self._file.read(8), "little")
        self._list = json.loads(self._file.read(length))
        self._list.pop("__metadata__", None)
        self._start = 8 + length
        self.outline = {
            name: torch.empty(entry["shape"], dtype=KINDS.get(entry["dtype"], torch.uint8), device="meta")
            for name, entry in self._list.items()
        }

    def read(self, name: str) -> Tensor:
        """Read one tensor. Raises ValueError where the file has become shorter since it was opened."""
        begin, end = self._list[name]["data_offsets"]
        data = np.empty(end - begin, dtype=np.uint8)
        self._file.seek(self._start + begin)
        if self._file.readinto(data) != len(data):
            raise self._damaged("it ends too early")
        outline = self.outline[name]
        return torch.from_numpy(data).view(outline.dtype).reshape(outline.shape)

    def close(self) -> None:
        self._file.close()

    def _damaged(self, reason: str) -> ValueError:
        return ValueError(
            f"{self.path} is not a whole safetensors file ({reason}): it is damaged or cut short; "
            "copy or download it again (if it lies in a cache, delete it there first)"
        )
