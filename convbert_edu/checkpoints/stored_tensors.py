"""Named tensors to load from, wherever they are: what all kinds of weights have in common."""

from collections.abc import Mapping

import torch
from torch import Tensor


class StoredTensors:
    """Tensors that are read one by one, each at most once.

    `outline` tells name, shape and precision of each, as tensors without memory (device "meta").
    """

    outline: dict[str, Tensor]

    def read(self, name: str) -> Tensor:
        """Return a tensor that nobody else writes to."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the files; what was read stays."""


class TensorsInMemory(StoredTensors):
    """Tensors that are in memory already, such as a state_dict()."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)
        self.outline = {
            name: torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
            for name, tensor in tensors.items()
        }

    def read(self, name: str) -> Tensor:
        """Return a copy (several tensors may share memory); the original is let go of."""
        return self._tensors.pop(name).detach().clone(memory_format=torch.contiguous_format)
