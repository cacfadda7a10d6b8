"""What a training example is, and how a data set is divided into training, validation and test parts."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Example = TypeVar("Example")


@dataclass(frozen=True)
class TextExample:
    """A text and the number of its class."""

    text: str
    label: int


@dataclass(frozen=True)
class Splits(Generic[Example]):
    """The three parts of a data set: learn from `train`, choose by `validation`, report on `test`."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]


def split_in_blocks(examples: Sequence[Example]) -> Splits[Example]:
    """Divide examples in the order they have: the first 80%, the next 10%, the last 10%.

    For files that are sorted by subject (films, say): a random split would put reviews of one film into both the
    training and the test part, and a model that remembers the film's name would look better than it is.
    """
    # Whole numbers, because 0.8 and 0.9 are not exact: example i of n belongs to train while i / n < 8 / 10.
    count = len(examples)
    ends = [-(-count * tenths // 10) for tenths in (8, 9)]
    return Splits(
        train=list(examples[: ends[0]]),
        validation=list(examples[ends[0] : ends[1]]),
        test=list(examples[ends[1] :]),
    )


def split_by_key(
    examples: Sequence[Example],
    key: Callable[[Example], str],
    train_percent: int = 80,
    validation_percent: int = 10,
) -> Splits[Example]:
    """Divide examples by the md5 of a text that identifies them (a title, a country's code).

    An example stays in its part whatever else is added or dropped, and all that shares a key stays together.
    """
    parts = Splits[Example](train=[], validation=[], test=[])
    for example in examples:
        place = int(hashlib.md5(key(example).encode(), usedforsecurity=False).hexdigest(), 16) % 100
        if place < train_percent:
            parts.train.append(example)
        elif place < train_percent + validation_percent:
            parts.validation.append(example)
        else:
            parts.test.append(example)
    return parts
