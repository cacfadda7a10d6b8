"""Weights as named tensors, wherever they lie: in memory, in a safetensors file, in a pickle or in shards (lesson 06).

`find_weights` and `open_weights`, at the end, choose among the kinds; above them stands one class for each.
"""

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from convbert_edu.device import find_device
from convbert_edu.files import file_inside, read_json_object


class StoredTensors:
    """Tensors that are read one by one, each at most once.

    `metadata` holds name, shape and precision of each, as tensors without memory (device "meta").
    """

    metadata: dict[str, Tensor]

    def read(self, name: str) -> Tensor:
        """Return a tensor that nothing else writes to."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the files; what was read stays."""


class TensorsInMemory(StoredTensors):
    """Tensors that are in memory already, such as a state_dict()."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)
        self.metadata = {
            name: torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
            for name, tensor in tensors.items()
        }

    def read(self, name: str) -> Tensor:
        """Return a copy (several tensors may share memory) and forget the original."""
        return self._tensors.pop(name).detach().clone(memory_format=torch.contiguous_format)


# A safetensors file: a list of tensors, then their bytes. Reading it can run nothing and takes no second copy ---


DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class SafetensorsFile(StoredTensors):
    """An open file whose tensors lie in memory that the system fills from the file when it is first read.

    What is written into a tensor stays in memory: the file does not change. But the file must not be overwritten in
    place while its tensors are in use; replacing it as a whole, as `save_pretrained` does, is fine.
    Raises ValueError where the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            # This checks that the list is sound and fits the bytes.
            self._file = safe_open(path, framework="pt")
        except SafetensorError as error:
            raise ValueError(
                f"{path} is not a whole safetensors file ({error}): it is damaged or cut short; "
                "copy or download it again (if it lies in a cache, delete it there first)"
            ) from error
        self.metadata = {}
        for name in self._file.keys():  # noqa: SIM118 (not a dict)
            stored = self._file.get_slice(name)
            dtype = DTYPES.get(stored.get_dtype(), torch.uint8)
            self.metadata[name] = torch.empty(stored.get_shape(), dtype=dtype, device="meta")

    def read(self, name: str) -> Tensor:
        """Return one tensor."""
        return self._file.get_tensor(name)


# pytorch_model.bin: tensors in a pickle. A pickle can be a program, so all that is no tensor is refused ---------


# What PyTorch's reader raises for a damaged file.
UNREADABLE = (RuntimeError, OSError, EOFError, ValueError, LookupError, AttributeError, TypeError)


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
    except UNREADABLE as error:
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


# Weights in several files: an index file says which file (shard) holds which tensor -----------------------------


INDEX_SUFFIX = ".index.json"


def read_shard_index(path: Path) -> dict[str, Path]:
    """Return for each tensor the path of the shard that holds it.

    Raises ValueError where the index is no such list, or where a shard would lie outside the index's folder.
    """
    weight_map = read_json_object(path).get("weight_map")
    sound = isinstance(weight_map, dict) and all(isinstance(name, str) for name in weight_map.values())
    if not sound or not weight_map:
        raise ValueError(
            f'{path} is no index of shards: it needs a "weight_map" that gives each tensor the name of a file; '
            "copy or download it again"
        )
    shards = {name: file_inside(path.parent, name) for name in sorted(set(weight_map.values()))}
    return {tensor: shards[name] for tensor, name in weight_map.items()}


# The weights of a model folder: in one file or several, as safetensors or as a pickle of tensors ----------------


WEIGHTS_FILE = "model.safetensors"
# The vocabulary lies beside the weights.
VOCABULARY_FILE = "vocab.txt"
# What of a model folder is asked for.
Needs = Literal["config", "tokenizer", "weights"]
# In the order of preference: safetensors can hold nothing but tensors.
WEIGHTS_FILES = (
    WEIGHTS_FILE, WEIGHTS_FILE + INDEX_SUFFIX, "pytorch_model.bin", "pytorch_model.bin" + INDEX_SUFFIX
)  # fmt: skip


class ShardedTensors(StoredTensors):
    """Tensors in several open files; `files` says which file has which tensor."""

    def __init__(self, files: Mapping[str, StoredTensors]) -> None:
        self._files = files
        self.metadata = {name: file.metadata[name] for name, file in files.items()}

    def read(self, name: str) -> Tensor:
        """Read one tensor from its shard."""
        return self._files[name].read(name)


def find_weights(folder: Path) -> Path:
    """Return the file of `folder` to load from: safetensors if there are any, else a pickle; the index of shards.

    Raises FileNotFoundError where there is none, ValueError where it leads out of the folder.
    """
    for name in WEIGHTS_FILES:
        path = file_inside(folder, name)
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{folder / WEIGHTS_FILE} is missing; a model folder holds its weights in one of {', '.join(WEIGHTS_FILES)}"
    )


@contextmanager
def open_weights(path: Path) -> Iterator[StoredTensors]:
    """Open a file of weights, or the shards of an index, for reading tensor by tensor.

    Raises FileNotFoundError where a file is missing and ValueError where it is damaged or refused, naming it.
    """
    with ExitStack() as stack:
        if not path.name.endswith(INDEX_SUFFIX):
            yield stack.enter_context(closing(_open(path)))
            return
        shard_of = read_shard_index(path)
        files = {shard: stack.enter_context(closing(_open(shard))) for shard in set(shard_of.values())}
        lost = [name for name, shard in shard_of.items() if name not in files[shard].metadata]
        if lost:
            raise ValueError(
                f"{path} says that {shard_of[lost[0]].name} holds {lost[0]!r}, but it does not; index and shards do "
                "not belong together: copy or download all of them again"
            )
        yield ShardedTensors({name: files[shard] for name, shard in shard_of.items()})


def _open(path: Path) -> StoredTensors:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a model folder holds its weights in {WEIGHTS_FILE}")
    return PickledFile(path) if path.suffix == ".bin" else SafetensorsFile(path)
