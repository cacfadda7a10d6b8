"""Settings from the command line: a JSON file, and single ones as NAME=VALUE."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convbert_edu.json_files import read_json_object


def settings_from(file: Path | None, changes: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a file, replaced by the single ones; ValueError for what cannot be read."""
    return (read_json_object(file) if file else {}) | dict(map(_name_and_value, changes))


def _name_and_value(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON (0.001, true, {"a": 1}), or else plain text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text!r} has no '='; write --set name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
