"""The folder of a run: one run at a time writes to it, and it always says how to go on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from convbert_edu.training.distributed import Processes
from convbert_edu.training.run_log import RunLog
from convbert_edu.training.state import newest_state


class RunFolder:
    """Where a run keeps its checkpoints, its log, its record and, if it fine-tunes, its best model."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.checkpoints, self.log = self.path / "checkpoints", RunLog(self.path / "log.jsonl")
        self.model = self.path / "model"
        self.record = self.path / "record.json"  # written last: where it is, the run is complete

    @contextmanager
    def claim(self, processes: Processes) -> Iterator[None]:
        """Keep other runs out within this block. The operating system ends the claim of a run that was killed.

        Raises FileExistsError where another run is writing.
        """
        if not processes.first:  # the first process claims the folder for all of them
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / ".lock", timeout=0):
                yield
        except Timeout:
            raise FileExistsError(
                f"another run is writing to {self.path} at this moment; wait for its end, stop it (Ctrl-C saves what "
                "it has learnt), or choose another output folder"
            ) from None

    def starting_point(self, resume: bool) -> Path | None:
        """Return the checkpoint to go on from, None for a new run.

        Raises FileExistsError where a new run would meet an old one, FileNotFoundError where there is none to resume.
        """
        newest = newest_state(self.checkpoints)
        if resume and newest is None:
            raise FileNotFoundError(
                f"{self.checkpoints} holds no checkpoint to resume; start without --resume"
            )
        if not resume and (newest is not None or self.record.exists()):
            how_far = "it is complete" if newest is None else f"its newest checkpoint is {newest}"
            raise FileExistsError(
                f"{self.path} holds a run already, {how_far}; go on with --resume, or choose another output folder"
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
                f"{error}; the run has stopped. Try a lower learning_rate or clip, or precision 'float32'. "
                f"Before that, {self.way_back()}"
            ) from error
        except OSError as error:
            raise OSError(
                f"{error}; the run has stopped. Make room there, or see to what stands above; {self.way_back()}"
            ) from error

    def way_back(self) -> str:
        """Say which checkpoint is whole, and how to go on from it."""
        return (
            f"the last good checkpoint is {newest_state(self.checkpoints)}; go on with --resume (resume=True)"
        )
