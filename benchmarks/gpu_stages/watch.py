"""A stage in a process of its own: it may fail, hang or fall over, and the others still run."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpu_stages.plan import MINUTE, Stage
from gpu_stages.results import StageFile, merge_items, stage_status

BENCHMARKS = Path(__file__).resolve().parents[1]
ROOT = BENCHMARKS.parent
LOOK_EVERY = 0.2
# How long the first item may keep us waiting: imports, and the list of items.
START_SECONDS = 120.0
LOG_LINES = 15


@dataclass(frozen=True)
class Call:
    """What all stages of one start of gpu.py have in common."""

    out: Path
    rehearse: bool = False
    memory_bytes: int | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    # Items that failed are not tried again under the same name.
    name: str = field(default_factory=lambda: f"{time.time():.0f}-{os.getpid()}")


def run_stage(stage: Stage, call: Call, seconds: float, known: Mapping[str, Any]) -> dict[str, Any]:
    """Run a stage for at most `seconds` and return what is known of it then.

    known: items of earlier calls; those that were done are not done again
    """
    file = StageFile(call.out / f"stage-{stage.key}.json")
    file.values["items"] = merge_items(known, file.items)
    for name in ("error", "stopped"):
        file.values.pop(name, None)
    cut_off = file.running()
    if cut_off is not None:
        file.end(cut_off, "died", error="the call before this one was cut off here")
    file.write(stage=stage.key, title=stage.title, rehearsal=call.rehearse)
    began = time.monotonic()
    end = began + min(seconds, stage.limit_minutes * MINUTE)
    while time.monotonic() < end:
        with tempfile.TemporaryFile() as log:
            code, why = _watch(_start(stage, call, end, log), file.path, end)
            log.seek(0)
            tail = log.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
        file = StageFile(file.path)
        if not _note(file, code, why, tail):
            break
    else:
        file.write(stopped="no time was left")
    spent = round(time.monotonic() - began, 1)
    file.write(seconds=spent, status=stage_status(file.values, file.items))
    return file.values


def _note(file: StageFile, code: int | None, why: str, tail: list[str]) -> bool:
    """Write down how a process ended, and say whether another one shall go on with the items that are left."""
    running = file.running()
    if why:
        if running is not None:
            file.end(running, "timeout", error=f"ended: {why}", log=tail)
        elif why != "the stage's time is over":
            file.write(error=f"ended: {why}", log=tail)
        return running is not None and why == "the item took too long"
    if code == 0:
        return False
    if running is not None:
        file.end(running, "died", error=f"the process ended with code {code}", log=tail)
        return True
    if "error" not in file.values:
        file.write(error=f"the process ended with code {code} before an item began")
    file.write(log=tail)
    return False


def _start(stage: Stage, call: Call, end: float, log: Any) -> subprocess.Popen:
    """Start a process that works on the items of a stage."""
    paths = [str(BENCHMARKS), str(ROOT), call.environment.get("PYTHONPATH", "")]
    environment = {**call.environment, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    command = [
        sys.executable, "-m", "gpu_stages.child", "--stage", stage.key, "--module", stage.module,
        "--out", str(call.out), "--call", call.name, "--seconds", f"{end - time.monotonic():.1f}",
    ]  # fmt: skip
    command += ["--rehearse"] if call.rehearse else []
    command += ["--memory-bytes", str(call.memory_bytes)] if call.memory_bytes else []
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip


def _watch(process: subprocess.Popen, path: Path, end: float) -> tuple[int | None, str]:
    """Wait for a process; return its code and "", or end it and return None and why."""
    began, seen = time.monotonic(), False
    try:
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            file = StageFile(path)
            running = file.running()
            seen = seen or running is not None
            if time.monotonic() > end:
                return None, "the stage's time is over"
            if running is not None:
                item = file.items[running]
                if time.time() > item["since"] + item["limit"]:
                    return None, "the item took too long"
            elif not seen and time.monotonic() > began + START_SECONDS:
                return None, "it did not begin"
        return process.returncode, ""
    finally:
        end_group(process)


def end_group(process: subprocess.Popen) -> None:
    """End a process, and those that it has started, if any is left."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
