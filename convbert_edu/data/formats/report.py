"""What a reader of files hands back: the examples, the names of the labels, and what could not be read."""

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Example = TypeVar("Example")
Row = TypeVar("Row")
OnBad = Literal["stop", "skip"]
NAMED = 5  # so many bad rows are named, the others only counted


@dataclass
class BadRows:
    """Rows that were left out: how many, and the first of them with the reason."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= NAMED:
            self.first.append(reason)

    def __str__(self) -> str:
        more = f"; and {self.count - NAMED} more" if self.count > NAMED else ""
        rows = "1 bad row was" if self.count == 1 else f"{self.count} bad rows were"
        return f"{rows} left out: {'; '.join(self.first)}{more}"


@dataclass(frozen=True)
class FileExamples(Generic[Example]):
    """The examples of one file, in its order."""

    examples: list[Example]
    label_names: tuple[str, ...]  # empty where there are no classes
    bad: BadRows


def collect(
    path: str | os.PathLike,
    rows: Iterable[tuple[str, Row]],
    make: Callable[[Row], Example],
    on_bad: OnBad,
    label_names: tuple[str, ...] = (),
) -> FileExamples[Example]:
    """Make an example of each row of a file.

    rows: where each stands ("line 3", "item q7"), and the row
    make: raises ValueError where a row is bad; then `on_bad` "stop" stops there, "skip" goes on and gives one warning
    at the end. Raises ValueError, too, where no example is left.
    """
    examples: list[Example] = []
    bad = BadRows()
    for where, row in rows:
        try:
            examples.append(make(row))
        except ValueError as error:
            reason = f"{where}: {error}"
            if on_bad == "stop":
                raise ValueError(
                    f'{path}, {reason}. Correct it, or leave such rows out (on_bad="skip")'
                ) from None
            bad.add(reason)
    if bad.count:
        warnings.warn(f"{path}: {bad}", stacklevel=3)
    if not examples:
        raise ValueError(f"{path} holds no examples" + (f" ({bad})" if bad.count else "; it is empty"))
    return FileExamples(examples, label_names, bad)
