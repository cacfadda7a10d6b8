"""Runs made of commands: in order, so many at a time, with failures named, and stopped by a signal or by the clock."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from side_by_side import CommandRun, describe, work_through

# Writes when it began and when it ended.
NOTE = "import sys, time; a = time.time(); time.sleep(0.2); open(sys.argv[1], 'a').write(f'{a} {time.time()}\\n')"
# Says that it is ready, and saves when it is told to stop.
SAVER = """
import signal, sys, time
def save(*_):
    open(sys.argv[1] + '.saved', 'w').close()
    sys.exit(1)
signal.signal(signal.SIGTERM, save)
open(sys.argv[1] + '.ready', 'w').close()
time.sleep(600)
"""


def python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


def run_of(folder: Path, name: str, *commands: list[str]) -> CommandRun:
    return CommandRun(name, iter(commands), folder / name / "output.txt")


def test_commands_of_a_run_follow_each_other_and_two_runs_stand_side_by_side(tmp_path: Path):
    runs = [run_of(tmp_path, name, *[python(NOTE, tmp_path / name / "times")] * 2) for name in "abc"]
    assert work_through(runs, jobs=2) == (True, [])
    times = {name: (tmp_path / name / "times").read_text().split() for name in "abc"}
    for stamps in times.values():
        assert len(stamps) == 4
        assert stamps == sorted(stamps, key=float)
    spans = [(float(a), float(b)) for s in times.values() for a, b in (s[:2], s[2:])]
    for begin, _ in spans:
        assert sum(a <= begin < b for a, b in spans) <= 2


def test_the_next_command_is_made_when_the_one_before_has_ended(tmp_path: Path):
    def commands() -> Iterator[list[str]]:
        yield python(NOTE, tmp_path / "first")
        assert (tmp_path / "first").exists()
        yield python(NOTE, tmp_path / "second")

    assert work_through([CommandRun("a", commands(), tmp_path / "output.txt")], jobs=1) == (True, [])
    assert (tmp_path / "second").exists()


def test_a_failure_is_named_and_the_others_go_on(tmp_path: Path, capsys):
    wrong = run_of(
        tmp_path, "wrong", python("raise ValueError('too wide')"), python(NOTE, tmp_path / "never")
    )
    right = run_of(tmp_path, "right", python(NOTE, tmp_path / "times"))
    assert work_through([wrong, right], jobs=1) == (True, ["wrong"])
    assert not (tmp_path / "never").exists()
    assert (tmp_path / "times").exists()
    assert f"wrong: failed, see {tmp_path / 'wrong' / 'output.txt'}" in capsys.readouterr().out
    assert "ValueError: too wide" in (tmp_path / "wrong" / "output.txt").read_text()


def test_a_signal_lets_the_processes_save_and_starts_no_others(tmp_path: Path):
    runs = [run_of(tmp_path, name, python(SAVER, tmp_path / name)) for name in "abc"]

    def ask() -> None:
        while not all((tmp_path / f"{name}.ready").exists() for name in "ab"):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    assert work_through(runs, jobs=2) == (False, [])
    asking.join()
    assert sorted(path.name for path in tmp_path.glob("*.saved")) == ["a.saved", "b.saved"]
    assert not (tmp_path / "c.ready").exists()


def test_when_the_minutes_are_over_it_ends(tmp_path: Path):
    began = time.monotonic()
    runs = [run_of(tmp_path, "a", python(SAVER, tmp_path / "a"))]
    assert work_through(runs, jobs=1, minutes=0.01) == (False, [])
    assert time.monotonic() - began < 300
    assert work_through([run_of(tmp_path, "b", python(NOTE, tmp_path / "b"))], 1, minutes=0) == (False, [])
    assert not (tmp_path / "b").exists()


def test_a_command_is_described_without_folders():
    words = [sys.executable, "-m", "convbert_edu", "pretrain", Path("some") / "corpus", Path("some") / "out"]
    assert describe(words) == "-m convbert_edu pretrain corpus out"
