"""Settings from the command line: a JSON file, and single ones as NAME=VALUE."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from convbert_edu.files import read_json_object


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


# What all commands do with an error that explains itself.


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show an error that explains itself as one message instead of a traceback, and exit with code 1."""
    try:
        yield
    except (ValueError, ArithmeticError, OSError, ImportError) as error:
        raise click.ClickException(str(error)) from error
