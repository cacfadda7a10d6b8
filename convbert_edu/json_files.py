"""Reading JSON files that somebody else may have written."""

import json
from pathlib import Path
from typing import Any


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that must hold one JSON object; raises ValueError naming the file and what is wrong."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}); download or save it again") from error
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds a JSON {type(values).__name__}, not an object {{...}} of named fields"
        )
    return values


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity in JSON, and nobody else does."""
    raise ValueError(f"{name} is not a JSON number")
