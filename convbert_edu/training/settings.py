"""Settings of training runs: what all of them can do (JSON, checks), and those of the training loop itself.

Lessons 00, 09, 11 to 13 and 15 set them. `PretrainSettings` and `FinetuneSettings` stand in pretraining/settings.py and
finetuning/settings.py, `DistillationSettings` in distillation/settings.py.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin

import numpy as np

from convbert_edu.config import ConvBertConfig, read_json_object
from convbert_edu.device import PRECISIONS

# A run may go on with other values of these: nothing in the weights changes (threads: nothing but the last bits).
FREE_TO_CHANGE = frozenset({"checkpoint_minutes", "log_every", "gradient_checkpointing", "threads"})


def setting(default: Any, meaning: str) -> Any:
    """Return a field of a dataclass with its default and its meaning, which `--help` of the commands shows."""
    return dataclasses.field(default=default, metadata={"meaning": meaning})


def meanings(settings: type) -> dict[str, str]:
    """Return the meaning of each field of a dataclass; a field with another default keeps that of its base class."""
    found: dict[str, str] = {}
    for each in filter(dataclasses.is_dataclass, reversed(settings.__mro__)):
        told = {field.name: field.metadata.get("meaning") for field in dataclasses.fields(each)}
        found |= {name: meaning for name, meaning in told.items() if meaning}
    return {field.name: found[field.name] for field in own_fields_first(settings)}


# Types as messages call them.
IN_WORDS = {
    int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "None (null)",
    dict: "an object {...}", Mapping: "an object {...}", list: "a list [...]", tuple: "a list [...]",
}  # fmt: skip


def check_type(name: str, value: Any, annotation: Any) -> None:
    """Raise ValueError, naming the setting and what it must be, where a plain JSON value does not fit a type."""
    alternatives = get_args(annotation) if isinstance(annotation, UnionType) else [annotation]
    kinds = [get_origin(each) or each for each in alternatives]
    if not any(_is_a(value, kind) for kind in kinds):
        raise ValueError(f"{name} is {value!r}; it must be {' or '.join(IN_WORDS[kind] for kind in kinds)}")


def _is_a(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    also = {float: (int, float), tuple: (list, tuple)}
    return isinstance(value, also.get(kind, kind))


def own_fields_first(settings: type) -> list[dataclasses.Field]:
    """Return the fields of a dataclass as a reader wants them: those that only it has before those it inherits."""
    bases = filter(dataclasses.is_dataclass, settings.__mro__[1:])
    inherited = {field.name for base in bases for field in dataclasses.fields(base)}
    return sorted(dataclasses.fields(settings), key=lambda field: field.name in inherited)


def plain_value(field: dataclasses.Field, value: Any) -> Any:
    """Return the value of a field of a dataclass as a plain one of its type; ValueError, naming the field, for others.

    A whole number does for a fraction, a number of NumPy for one of Python's, a path for its text: what stands in
    the record of a run and in its checkpoints must be readable as JSON and without running anything.
    """
    value = _plain(value)
    check_type(field.name, value, field.type)
    return float(value) if field.type in (float, float | None) and isinstance(value, int) else value


def make_plain(settings: Any) -> None:
    """Replace each field of a dataclass, which may be frozen, by its `plain_value`."""
    for field in dataclasses.fields(settings):
        object.__setattr__(settings, field.name, plain_value(field, getattr(settings, field.name)))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(each) for each in value)
    return value


class Settings:
    """A dataclass of settings. Numbers, texts, and dictionaries of these; None where a setting may be left open."""

    def __post_init__(self) -> None:
        make_plain(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return settings from plain values; raises ValueError for unknown names and for values of the wrong type."""
        known = [each.name for each in own_fields_first(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"there are no settings called {unknown}; the settings are {', '.join(known)}")
        # Checked here, too: an annotated constructor that is checked itself would refuse them in other words.
        fields = [each for each in dataclasses.fields(cls) if each.name in values]
        return cls(**{each.name: plain_value(each, values[each.name]) for each in fields})

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read settings from a JSON file; what it leaves out has its default value."""
        return cls.from_dict(read_json_object(Path(path)))

    def require(self, name: str, holds: Callable[[Any], bool], rule: str) -> None:
        """Raise ValueError, naming field and rule, where the rule does not hold."""
        value = getattr(self, name)
        if not holds(value):
            raise ValueError(f"{name} is {value!r}; it must be {rule}")

    def require_one_of(self, name: str, allowed: Sequence[str]) -> None:
        """Raise ValueError, naming the field and what there is to choose from, for any other value."""
        value = getattr(self, name)
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}; choose one of {', '.join(allowed)}")

    def require_config_fields(self, name: str) -> None:
        """Raise ValueError where a dictionary has keys that are no fields of ConvBertConfig."""
        known = ConvBertConfig.field_names()
        unknown = [key for key in getattr(self, name) if key not in known]
        if unknown:
            raise ValueError(
                f"{name} has {unknown}, which ConvBertConfig does not have; its fields are {', '.join(sorted(known))}"
            )


@dataclass(kw_only=True)
class TrainingSettings(Settings):
    """The settings of the training loop for examples with targets (see trainer.py).

    Raises ValueError, naming the field, for values that cannot work.
    """

    epochs: int = setting(4, "times that all examples are read")
    batch_size: int = setting(32, "examples of one process in one micro-batch")
    gradient_accumulation_steps: int = setting(1, "micro-batches whose gradients are added up for one step")
    learning_rate: float = setting(3e-4, "the highest learning rate, reached after the warm-up")
    layer_decay: float = setting(1.0, "learning rate of a layer as a share of that of the layer above it")
    weight_decay: float = setting(0.01, "pull of the weights towards 0; biases and LayerNorms are left alone")
    warmup_fraction: float = setting(0.1, "share of all steps over which the learning rate rises")
    max_grad_norm: float = setting(1.0, "gradient norm above which gradients are scaled down to it")
    precision: str = setting(
        "float32", "float32, bfloat16, or auto: bfloat16 where the hardware is fast at it"
    )
    dropout: float | None = setting(None, "share of numbers set to zero at random; None: as the model says")
    gradient_checkpointing: bool = setting(
        False, "less memory, more time: layers are computed again for their gradients"
    )
    seed: int = setting(0, "of the random numbers: order of the batches, and dropout")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("precision", PRECISIONS)
        for name in ("epochs", "batch_size", "gradient_accumulation_steps"):
            self.require(name, lambda value: value >= 1, "at least 1")
        self.require("weight_decay", lambda value: value >= 0, "at least 0")
        for name in ("learning_rate", "max_grad_norm"):
            self.require(name, lambda value: value > 0, "above 0")
        self.require("layer_decay", lambda value: 0 < value <= 1, "above 0 and up to 1")
        self.require("warmup_fraction", lambda value: 0 <= value < 1, "from 0 to below 1")
        self.require("dropout", lambda value: value is None or 0 <= value < 1, "from 0 to below 1, or None")
