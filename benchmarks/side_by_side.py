"""Long runs that are made of commands: several side by side, for some minutes, and going on another time.

Used by paper_in_miniature.py. Each command is a process of its own, which can be told to stop: `convbert-edu pretrain`
then saves what it has learned. What is left to do, a run finds out by itself when it is asked for its next command.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convbert_edu.training.run_folder import StopRequest

Command = Sequence[str | Path]
# Seconds between looks at the processes.
PAUSE = 0.2


@dataclass(frozen=True)
class CommandRun:
    """The commands of one run that are left, each made when the one before has ended, and a file for their output."""

    name: str
    commands: Iterator[Command]
    output: Path


@dataclass(frozen=True)
class Started:
    """A process, and the run that it belongs to."""

    run: CommandRun
    process: subprocess.Popen


def work_through(
    runs: Iterable[CommandRun], jobs: int, minutes: float | None = None
) -> tuple[bool, list[str]]:
    """Take `jobs` runs at a time until all are complete or `minutes` are over, or Ctrl-C or SIGTERM comes.

    Returns whether all runs came to an end, and the names of those in which a command failed; the others go on.
    """
    began, waiting, active, failed = time.monotonic(), iter(runs), [], []
    with StopRequest() as stop:
        try:
            while True:
                on_time = minutes is None or time.monotonic() - began < 60 * minutes
                go_on = on_time and not stop.asked
                for each in [each for each in active if each.process.poll() is not None]:
                    active.remove(each)
                    if each.process.returncode == 0 and go_on:
                        active += _next_process(each.run)
                    elif each.process.returncode != 0:
                        failed.append(each.run.name)
                        _say(f"{each.run.name}: failed, see {each.run.output}")
                while go_on and len(active) < jobs:
                    run = next(waiting, None)
                    if run is None:
                        break
                    active += _next_process(run)
                if not go_on:
                    return False, failed
                if not active:
                    return True, failed
                time.sleep(PAUSE)
        finally:
            _stop(active)


def _next_process(run: CommandRun) -> list[Started]:
    """Start the next command of a run, if there is one."""
    command = next(run.commands, None)
    if command is None:
        _say(f"{run.name}: complete")
        return []
    run.output.parent.mkdir(parents=True, exist_ok=True)
    # One thread each: the runs share the cores. A session of its own: Ctrl-C then reaches this process alone, which
    # tells the others once; a second signal would interrupt them while they save.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    with run.output.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _say(f"{run.name}: {describe(command)} (process {process.pid})")
    return [Started(run, process)]


def describe(command: Command) -> str:
    """Return a command without the Python that runs it, by names of files in place of paths."""
    words = [str(word) for word in command if str(word) != sys.executable]
    return " ".join(Path(word).name if os.sep in word else word for word in words)


def _stop(active: list[Started]) -> None:
    """Ask all processes to save and end, and wait for them."""
    for each in active:
        each.process.terminate()
    for each in active:
        each.process.wait()
        _say(f"{each.run.name}: stopped")


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)
