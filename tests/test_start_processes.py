"""start.py on the machine as it is: old versions of Python, real processes, strange folders."""

import ast
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import start
from helpers import ROOT

# A folder whose name has what shells and old programs stumble over.
STRANGE = "Üben & lernen's $HOME"


@pytest.mark.parametrize("version", [(3, 6), (3, 7), (3, 10)])
def test_an_old_python_can_read_it_and_says_what_is_needed(
    version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
):
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=version)
    monkeypatch.setattr(sys, "version_info", (*version, 5, "final", 0))
    monkeypatch.setattr("platform.python_version", lambda: f"{version[0]}.{version[1]}.5")
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "start.py"))
    assert f"Python 3.11 or newer is needed, but this is Python {version[0]}.{version[1]}.5" in str(
        stopped.value
    )


def test_before_the_version_is_checked_only_old_modules_are_imported():
    """What came after Python 3.6 (dataclasses, importlib.metadata, tomllib) would end in an ImportError."""
    before = (ROOT / "start.py").read_text(encoding="utf-8").partition("if sys.version_info")[0]
    imported = set(re.findall(r"^(?:import|from) (\w+)", before, flags=re.MULTILINE))
    assert {"argparse", "subprocess", "sys"} <= imported
    assert not imported & {"dataclasses", "contextvars", "tomllib", "zoneinfo", "graphlib", "__future__"}


def test_windows_keeps_the_python_of_an_environment_elsewhere():
    assert start.python_of(Path("x"), "nt") == Path("x/Scripts/python.exe")
    assert start.python_of(Path("x"), "posix") == Path("x/bin/python")


def test_a_real_environment_in_a_folder_with_a_strange_name(tmp_path: Path):
    folder = tmp_path / STRANGE
    folder.mkdir()
    environment = folder / ".venv"
    assert start.run_process([sys.executable, "-m", "venv", "--without-pip", str(environment)], folder) == 0
    code = "import pathlib, sys; pathlib.Path('prefix.txt').write_text(sys.prefix, encoding='utf-8')"
    assert start.run_process([str(start.python_of(environment)), "-c", code], folder) == 0
    assert Path((folder / "prefix.txt").read_text(encoding="utf-8")) == environment
    # It has no pip, so the probe of start.py does not take it for a whole one.
    probe = [str(start.python_of(environment)), "-c", start.PROBE]
    assert start.run_process(probe, folder, silent=True) == 1
    assert start.run_process([sys.executable, "-c", start.PROBE], folder, silent=True) == 0


def test_exit_codes_come_through(tmp_path: Path):
    assert start.run_process([sys.executable, "-c", "import sys; sys.exit(7)"], tmp_path) == 7


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes in another way")
def test_ctrl_c_waits_for_the_command_and_termination_ends_it(tmp_path: Path):
    """The command may have something to save: here it takes its time after Ctrl-C, and is waited for."""
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\n"
        "pathlib.Path('begun').touch()\n"
        "try:\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.6)\n    pathlib.Path('saved').touch()\n"
    )
    (tmp_path / "outer.py").write_text(
        "import pathlib, signal, sys\nimport start\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "try:\n    start.run_process([sys.executable, 'slow.py'], pathlib.Path.cwd())\n"
        "except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        (tmp_path / "begun").unlink(missing_ok=True)
        outer = subprocess.Popen(
            [sys.executable, "outer.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        while not (tmp_path / "begun").exists():
            assert outer.poll() is None
            time.sleep(0.02)
        if sent == signal.SIGINT:
            # As a terminal does: to the whole group.
            os.killpg(outer.pid, sent)
        else:
            outer.terminate()
        assert outer.wait(timeout=60) == code
        assert (tmp_path / "saved").exists() == (sent == signal.SIGINT)
        (tmp_path / "saved").unlink(missing_ok=True)
        deadline = time.monotonic() + 20
        while is_alive(outer.pid):
            assert time.monotonic() < deadline, "the command was left behind"
            time.sleep(0.05)


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
