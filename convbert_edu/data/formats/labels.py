"""Names of labels and their numbers."""

from collections.abc import Iterable, Sequence
from typing import Any


def names_of(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct labels in the order of the alphabet; if all are whole numbers, in their order.

    The order does not depend on the order of the rows, so two files with the same labels give the same numbers.
    """
    distinct = set(labels) - {""}
    numbers = all(label.lstrip("-").isdecimal() for label in distinct)
    return tuple(sorted(distinct, key=int if numbers else None))


def label_number(label: str | int | None, names: Sequence[str]) -> int:
    """Return the place of `label` in `names`; a number that is no name itself is taken as the place.

    Raises ValueError where the label is missing, unknown or out of range.
    """
    text = "" if label is None else str(label)
    if text == "":
        raise ValueError("the label is missing")
    if text in names:
        return list(names).index(text)
    if not text.lstrip("-").isdecimal():
        raise ValueError(f"the label {text!r} is unknown; the labels are {', '.join(names)}")
    if not 0 <= int(text) < len(names):
        raise ValueError(
            f"the label {text} is out of range; {len(names)} labels have numbers 0 to {len(names) - 1}"
        )
    return int(text)


def value_of(label: Any) -> float:
    """Return a label of regression as a number; ValueError where it is missing or none."""
    if label is None or label == "":
        raise ValueError("the label is missing")
    try:
        value = float(label)
    except (TypeError, ValueError):
        raise ValueError(f"the label {label!r} is no number") from None
    if value - value != 0:  # of infinity and of NaN alone
        raise ValueError(f"the label {label!r} is no finite number")
    return value


def one_or_zero_each(labels: Iterable[str | int], names: Sequence[str]) -> tuple[int, ...]:
    """Return for each name whether it is among `labels`: 1 or 0. Raises ValueError for an unknown label."""
    numbers = {label_number(label, names) for label in labels}
    return tuple(int(number in numbers) for number in range(len(names)))
