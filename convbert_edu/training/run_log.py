"""The log of a run: one JSON object a line, and the sums that its next line is made of."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convbert_edu.files import atomic_write


class RunLog:
    """A file of JSON lines. A line is on disk as soon as it is added."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)

    def add(self, **values: Any) -> None:
        """Append one line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def rewind(self, step: int) -> None:
        """Drop the lines after `step`: a run that goes on from a checkpoint writes them again."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as old, atomic_write(self.path, "w") as new:
            new.writelines(line for line in old if _step_of(line) <= step)

    def lines(self) -> list[dict[str, Any]]:
        """Return all lines, as dictionaries."""
        with self.path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]


@dataclass
class Sums:
    """What was seen since the last line of the log; sums over words, so that long texts count as they should."""

    masked_lm_loss: float = 0.0
    guessed_right: float = 0.0
    hidden: float = 0.0
    sentence_loss: float = 0.0
    detection_loss: float = 0.0
    words: float = 0.0
    tokens: float = 0.0
    loss: float = 0.0
    steps: float = 0.0
    seconds: float = 0.0

    def add(self, other: "Sums") -> None:
        """Add another's numbers to ours."""
        for name, value in other.to_dict().items():
            setattr(self, name, getattr(self, name) + value)

    def to_dict(self) -> dict[str, float]:
        """Return the sums by name."""
        return asdict(self)

    def means(self) -> dict[str, float]:
        """Return mean losses, for those parts that there are."""
        means = {"loss": self.loss / self.steps, "tokens_per_second": self.tokens / max(self.seconds, 1e-9)}
        if self.hidden:
            means["masked_lm_loss"] = self.masked_lm_loss / self.hidden
            means["masked_lm_accuracy"] = self.guessed_right / self.hidden
        if self.sentence_loss:
            means["sentence_loss"] = self.sentence_loss / self.hidden
        if self.detection_loss:
            means["detection_loss"] = self.detection_loss / self.words
        return means


def _step_of(line: str) -> int | float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):  # the last line of a run that was killed while it wrote
        return float("inf")
