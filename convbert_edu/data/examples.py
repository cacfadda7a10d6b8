"""What a training example is, and how a data set is divided into training, validation and test splits.

Lessons 09 and 13 make examples of their own.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Example = TypeVar("Example")


@dataclass(frozen=True)
class TextExample:
    """A text, or a pair of texts, and the label to predict.

    label: the number of its class; or a value (regression); or, where several classes may hold at once
    (multi-label), a 0 or 1 for each of them
    """

    text: str
    label: int | float | tuple[int, ...]
    text_pair: str | None = None


@dataclass(frozen=True)
class TokenExample:
    """A text in words, and the number of the class of each word."""

    words: tuple[str, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """A piece of a context: its text, and the character at which it starts (`context[start:].startswith(text)`)."""

    text: str
    start: int


@dataclass(frozen=True)
class QuestionExample:
    """A question about a context, and all answers that count as right; none where the context does not say.

    kind: in the Factbook's questions "prose" or "list": what sort of text the answer is taken from
    """

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    kind: str = ""


@dataclass(frozen=True)
class ChoiceExample:
    """A context, and several ways to go on from it, of which number `label` is right.

    question: how each choice begins, where they begin alike (SWAG); mostly empty
    """

    id: str
    context: str
    choices: tuple[str, ...]
    label: int
    question: str = ""


@dataclass(frozen=True)
class Splits(Generic[Example]):
    """The three splits of a data set: learn from `train`, choose by `validation`, report on `test`.

    label_names: what the numbers of the classes stand for; empty where there are no classes
    """

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    label_names: tuple[str, ...] = ()


def split_in_blocks(examples: Sequence[Example], label_names: tuple[str, ...] = ()) -> Splits[Example]:
    """Divide examples in the order they have: the first 80%, the next 10%, the last 10%.

    For files that are sorted by subject (films, say): a random split would put reviews of one film into both the
    training and the test split, and a model that remembers the film's name would look better than it is.
    """
    # Whole numbers, because 0.8 and 0.9 are not exact: example i of n belongs to train while i / n < 8 / 10.
    count = len(examples)
    ends = [-(-count * tenths // 10) for tenths in (8, 9)]
    return Splits(
        train=list(examples[: ends[0]]),
        validation=list(examples[ends[0] : ends[1]]),
        test=list(examples[ends[1] :]),
        label_names=label_names,
    )


def split_by_key(
    examples: Sequence[Example],
    key: Callable[[Example], str],
    train_percent: int = 80,
    validation_percent: int = 10,
    label_names: tuple[str, ...] = (),
) -> Splits[Example]:
    """Divide examples by the md5 of a text that identifies them (a title, a country's code).

    An example stays in its split whatever else is added or dropped, and all that shares a key stays together.
    """
    splits = Splits[Example](train=[], validation=[], test=[], label_names=label_names)
    for example in examples:
        percent = md5_number(key(example)) % 100
        if percent < train_percent:
            splits.train.append(example)
        elif percent < train_percent + validation_percent:
            splits.validation.append(example)
        else:
            splits.test.append(example)
    return splits


def md5_number(*texts: str) -> int:
    """Return a number that looks random, and is the same for the same texts on every machine."""
    return int(hashlib.md5("\n".join(texts).encode(), usedforsecurity=False).hexdigest(), 16)
