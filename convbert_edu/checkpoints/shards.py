"""Weights in several files: an index file says which file (shard) holds which tensor."""

from pathlib import Path

from convbert_edu.checkpoints.inside import file_inside
from convbert_edu.json_files import read_json_object

INDEX_SUFFIX = ".index.json"


def read_shard_index(path: Path) -> dict[str, Path]:
    """Return for each tensor the path of the shard that holds it.

    Raises ValueError where the index is no such list, or where a shard would lie outside the index's folder.
    """
    places = read_json_object(path).get("weight_map")
    if (
        not isinstance(places, dict)
        or not places
        or not all(isinstance(name, str) for name in places.values())
    ):
        raise ValueError(
            f'{path} is no index of shards: it needs a "weight_map" that gives each tensor the name of a file; '
            "copy or download it again"
        )
    shards = {name: file_inside(path.parent, name) for name in sorted(set(places.values()))}
    return {tensor: shards[name] for tensor, name in places.items()}
