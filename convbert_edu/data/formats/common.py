"""What all readers of files share: lines of text in, typed examples out, and what could not be read.

From top to bottom: opening a file; what a reader hands back; what makes an example good; names of labels and their
numbers.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

from convbert_edu.data.examples import Answer, ChoiceExample, QuestionExample, TextExample

Example = TypeVar("Example")
Row = TypeVar("Row")
OnBad = Literal["stop", "skip"]
# So many bad rows are named, the others only counted.
NAMED = 5


def open_text(path: str | os.PathLike) -> io.StringIO:
    """Return the text of a UTF-8 file, with or without a byte order mark, its line ends as they are.

    Raises FileNotFoundError where there is none; ValueError where it is empty or not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {error.start + 1} cannot be read; convert the file "
            f"(iconv -f ITS-ENCODING -t UTF-8 {path.name} > new.txt)"
        ) from None
    if not text.strip():
        raise ValueError(f"{path} holds no examples; it is empty")
    return io.StringIO(text, newline="")


def check_one_of(name: str, value: Any, kinds: Any) -> None:
    """Raise ValueError, naming the argument and what there is to choose from, unless the Literal `kinds` has it."""
    if value not in get_args(kinds):
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(get_args(kinds))}")


def lines_of(text: str) -> list[str]:
    """Return the lines of `text`, which end in LF, CRLF or CR; other signs of Unicode end none, unlike splitlines."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


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
    # Empty where there are no classes.
    label_names: tuple[str, ...]
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
    check_one_of("on_bad", on_bad, OnBad)
    examples: list[Example] = []
    bad = BadRows()
    for where, row in rows:
        try:
            examples.append(make(row))
        except ValueError as error:
            reason = f"{where}: {error}"
            if on_bad == "stop":
                raise ValueError(
                    f'{path}, {reason}. Correct it, or leave such rows out (on_bad="skip"; --read on_bad=skip)'
                ) from None
            bad.add(reason)
    if bad.count:
        warnings.warn(f"{path}: {bad}", stacklevel=3)
    if not examples:
        raise ValueError(f"{path} holds no examples" + (f" ({bad})" if bad.count else "; it is empty"))
    return FileExamples(examples, label_names, bad)


def text_of(value: Any, name: str) -> str:
    """Return a text of a file; ValueError, naming what it is, where it is missing or no text."""
    if not isinstance(value, str):
        raise ValueError(f"the {name} is missing" if value is None else f"the {name} is no text: {value!r}")
    return value


def text_example(
    text: str, label: int | float | tuple[int, ...], text_pair: str | None = None
) -> TextExample:
    """Return the example; ValueError where there is no text at all."""
    if not text.strip() and not (text_pair or "").strip():
        raise ValueError("the text is empty")
    return TextExample(text, label, text_pair)


def question_example(id_: str, question: str, context: str, answers: Sequence[Answer]) -> QuestionExample:
    """Return the example; ValueError where an answer is empty or does not stand at its offset."""
    if not question.strip():
        raise ValueError("the question is empty")
    for answer in answers:
        if not answer.text.strip():
            raise ValueError("an answer is empty")
        there = context[answer.start : answer.start + len(answer.text)] if answer.start >= 0 else ""
        if there != answer.text:
            found_at = context.find(answer.text)
            really = f"it stands at {found_at}" if found_at >= 0 else "it is not in the context"
            raise ValueError(
                f"the answer {answer.text!r} is not at its offset {answer.start}, where {there!r} stands; {really} "
                "(an offset counts characters, neither bytes nor UTF-16 units)"
            )
    return QuestionExample(id_, question, context, tuple(answers))


def choice_example(
    id_: str, context: str, choices: Sequence[str], label: str | int | None, question: str = ""
) -> ChoiceExample:
    """Return the example; ValueError where a choice is missing or the label names none of them."""
    for number, choice in enumerate(choices):
        if not choice.strip():
            raise ValueError(f"choice {number} is missing")
    names = [str(number) for number in range(len(choices))]
    return ChoiceExample(id_, context, tuple(choices), label_number(label, names), question)


def names_of(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct labels in the order of the alphabet; if all are whole numbers, in their order.

    The order does not depend on the order of the rows, so two files with the same labels give the same numbers.
    """
    distinct = set(labels) - {""}
    numbers = all(map(_is_whole, distinct))
    return tuple(sorted(distinct, key=int if numbers else None))


def label_number(label: str | int | None, names: Sequence[str]) -> int:
    """Return the index of `label` in `names`; beside names that are words, a number is taken as the index.

    Raises ValueError where the label is missing, unknown or out of range.
    """
    text = "" if label is None else str(label)
    if text == "":
        raise ValueError("the label is missing")
    if text in names:
        return list(names).index(text)
    # Beside names such as 1, 3 and 5 the number 2 is no index, but a label that is not there.
    if not _is_whole(text) or any(map(_is_whole, names)):
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
    # True of infinity and of NaN alone.
    if value - value != 0:
        raise ValueError(f"the label {label!r} is no finite number")
    return value


def one_or_zero_each(labels: Iterable[str | int], names: Sequence[str]) -> tuple[int, ...]:
    """Return for each name whether it is among `labels`: 1 or 0. Raises ValueError for an unknown label."""
    numbers = {label_number(label, names) for label in labels}
    return tuple(int(number in numbers) for number in range(len(names)))


def _is_whole(label: str) -> bool:
    """Say whether a label is a whole number."""
    return label.removeprefix("-").isdecimal()
