"""The whole of benchmarks/gpu.py on the CPU: every stage, every file, in tiny sizes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import gpu_tables
from gpu_stages.plan import STAGES
from gpu_stages.results import DONE
from helpers import ROOT


@pytest.mark.slow
def test_every_stage_runs_through_and_writes_its_file(tmp_path: Path):
    command = [sys.executable, "benchmarks/gpu.py", "--rehearse", "--out", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    results = json.loads((tmp_path / "gpu-rehearsal.json").read_text(encoding="utf-8"))
    assert results["rehearsal"] is True
    assert list(results["stages"]) == list(STAGES)
    for key, stage in results["stages"].items():
        assert stage["status"] == "complete", key
        assert {item["status"] for item in stage["items"].values()} <= set(DONE)
        assert (tmp_path / f"stage-{key}.json").is_file()
    tests = [item["result"] for item in results["stages"]["b"]["items"].values()]
    assert all(found["passed"] and not found["failed"] for found in tests)
    # A rehearsal is nothing to report.
    assert gpu_tables.text(tmp_path) == ""
