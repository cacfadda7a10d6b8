"""The weights of a model folder: in one file or several, as safetensors or as a pickle of tensors."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from torch import Tensor

from convbert_edu.checkpoints.inside import file_inside
from convbert_edu.checkpoints.pickled_file import PickledFile
from convbert_edu.checkpoints.safetensors_file import SafetensorsFile
from convbert_edu.checkpoints.shards import INDEX_SUFFIX, read_shard_index
from convbert_edu.checkpoints.stored_tensors import StoredTensors

WEIGHTS_FILE = "model.safetensors"
# In the order of preference: safetensors can hold nothing but tensors.
WEIGHTS_FILES = (
    WEIGHTS_FILE, WEIGHTS_FILE + INDEX_SUFFIX, "pytorch_model.bin", "pytorch_model.bin" + INDEX_SUFFIX
)  # fmt: skip


class ShardedTensors(StoredTensors):
    """Tensors in several open files; `files` says which file has which tensor."""

    def __init__(self, files: Mapping[str, StoredTensors]) -> None:
        self._files = files
        self.outline = {name: file.outline[name] for name, file in files.items()}

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
        places = read_shard_index(path)
        files = {shard: stack.enter_context(closing(_open(shard))) for shard in set(places.values())}
        lost = [name for name, shard in places.items() if name not in files[shard].outline]
        if lost:
            raise ValueError(
                f"{path} says that {places[lost[0]].name} holds {lost[0]!r}, but it does not; index and shards do "
                "not belong together: copy or download all of them again"
            )
        yield ShardedTensors({name: files[shard] for name, shard in places.items()})


def _open(path: Path) -> StoredTensors:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a model folder holds its weights in {WEIGHTS_FILE}")
    return PickledFile(path) if path.suffix == ".bin" else SafetensorsFile(path)
