"""A safetensors file: a list of tensors, then their bytes. Reading it can run nothing and takes no second copy."""

from pathlib import Path

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
    """An open file whose tensors lie in memory that the system fills from the file when it is first looked at.

    What is written into a tensor stays in memory: the file does not change. But the file must not be overwritten in
    place while its tensors are in use; replacing it as a whole, as `save_pretrained` does, is fine.
    Raises ValueError where the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = safe_open(path, framework="pt")  # checks that the list is sound and fits the bytes
        except SafetensorError as error:
            raise ValueError(
                f"{path} is not a whole safetensors file ({error}): it is damaged or cut short; "
                "copy or download it again (if it lies in a cache, delete it there first)"
            ) from error
        self.outline = {}
        for name in self._file.keys():  # noqa: SIM118 (not a dict)
            stored = self._file.get_slice(name)
            kind = KINDS.get(stored.get_dtype(), torch.uint8)
            self.outline[name] = torch.empty(stored.get_shape(), dtype=kind, device="meta")

    def read(self, name: str) -> Tensor:
        """Return one tensor."""
        return self._file.get_tensor(name)
