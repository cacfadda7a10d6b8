"""The folder of a run: its lock, its checkpoints, its log, and the request to stop (lesson 15).

One run at a time writes to a folder, and whatever ends a run before its time says how to go on.
"""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from convbert_edu.files import atomic_write
from convbert_edu.training.distributed import DistributedContext
from convbert_edu.training.run_checkpoint import newest_checkpoint

# Ctrl-C, and what a cluster sends before it takes a machine away.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunFolder:
    """Where a run keeps its checkpoints, its log, its record and, if it fine-tunes, its best model."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.checkpoints, self.log = self.path / "checkpoints", RunLog(self.path / "log.jsonl")
        self.model = self.path / "model"
        # Written last: where it is, the run is complete.
        self.record = self.path / "record.json"

    @contextmanager
    def claim(self, distributed: DistributedContext) -> Iterator[None]:
        """Keep other runs out within this block. The operating system ends the claim of a run that was killed.

        Raises FileExistsError where another run is writing.
        """
        # The main process claims the folder for all of them.
        if not distributed.is_main_process:
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / ".lock", timeout=0):
                yield
        except Timeout:
            raise FileExistsError(
                f"another run is writing to {self.path} at this moment; wait for its end, stop it (Ctrl-C saves what "
                "it has learned), or choose another output folder"
            ) from None

    def starting_point(self, resume: bool) -> Path | None:
        """Return the checkpoint to go on from, None for a new run.

        Raises FileExistsError where a new run would meet an old one, FileNotFoundError where there is none to resume.
        """
        newest = newest_checkpoint(self.checkpoints)
        if resume and newest is None:
            raise FileNotFoundError(
                f"{self.checkpoints} holds no checkpoint to resume; start without --resume"
            )
        if not resume and (newest is not None or self.record.exists()):
            how_far = "it is complete" if newest is None else f"its newest checkpoint is {newest}"
            raise FileExistsError(
                f"{self.path} holds a run already, {how_far}; go on with --resume, or choose another output folder"
            )
        for path in (self.model, self.log.path):
            if newest is None and path.exists():
                raise FileExistsError(
                    f"{path} exists already and would be written over; choose another output folder"
                )
        return newest

    @contextmanager
    def explained_endings(self) -> Iterator[None]:
        """Let whatever ends a run before its time say what is saved and how to go on."""
        try:
            yield
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped; {self.way_back()}") from None
        except ArithmeticError as error:
            raise ArithmeticError(
                f"{error}; the run has stopped. Try a lower learning_rate or max_grad_norm, or precision 'float32'. "
                f"Before that, {self.way_back()}"
            ) from error
        except OSError as error:
            raise OSError(
                f"{error}; the run has stopped. Make room there, or see to what stands above; {self.way_back()}"
            ) from error

    def way_back(self) -> str:
        """Say which checkpoint is whole, and how to go on from it."""
        return f"the last good checkpoint is {newest_checkpoint(self.checkpoints)}; go on with --resume (resume=True)"


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
class MetricTotals:
    """What was seen since the last line of the log; sums over tokens, so that long texts count as they should."""

    masked_lm_loss: float = 0.0
    num_correct: float = 0.0
    masked_tokens: float = 0.0
    cls_mlm_loss: float = 0.0
    detection_loss: float = 0.0
    hidden_error: float = 0.0
    last_layer_error: float = 0.0
    sentence_error: float = 0.0
    attention_error: float = 0.0
    maskable_tokens: float = 0.0
    tokens: float = 0.0
    loss: float = 0.0
    steps: float = 0.0
    seconds: float = 0.0

    def add(self, other: "MetricTotals") -> None:
        """Add another's numbers to ours."""
        for name, value in other.to_dict().items():
            setattr(self, name, getattr(self, name) + value)

    def to_dict(self) -> dict[str, float]:
        """Return the sums by name."""
        return asdict(self)

    def means(self) -> dict[str, float]:
        """Return mean losses, for those losses that there are."""
        means = {"loss": self.loss / self.steps, "tokens_per_second": self.tokens / max(self.seconds, 1e-9)}
        if self.masked_tokens:
            means["masked_lm_loss"] = self.masked_lm_loss / self.masked_tokens
            means["masked_lm_accuracy"] = self.num_correct / self.masked_tokens
        if self.cls_mlm_loss:
            means["cls_mlm_loss"] = self.cls_mlm_loss / self.masked_tokens
        if self.detection_loss:
            means["detection_loss"] = self.detection_loss / self.maskable_tokens
        for name in ("hidden_error", "last_layer_error", "sentence_error", "attention_error"):
            if getattr(self, name):
                means[name] = getattr(self, name) / self.tokens
        return means


def _step_of(line: str) -> int | float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        # The last line of a run that was killed while it wrote.
        return float("inf")


class StopRequest:
    """Ctrl-C as a request: within a `with` block it only sets `asked`, so that the run can finish its step and save.

    A second Ctrl-C interrupts at once, as usual.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        # Other threads may not set handlers.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
