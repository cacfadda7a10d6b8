"""Stage (b): the tests that need a GPU, and parity with transformers on it, in float32 without TF32 and in float64."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gpu_stages.plan import Item, Plan
from gpu_stages.watch import ROOT

# The device that tests marked `gpu` compute on; tests/conftest.py reads it.
DEVICE_OF_TESTS = "CONVBERT_EDU_TEST_DEVICE"
# Name of the item -> what pytest is asked for.
PARTS = {
    "every model on the device": ["tests/models/test_devices.py"],
    "parity with transformers, float32": ["tests/gpu/test_parity_on_device.py", "-k", "float32"],
    "parity with transformers, float64": ["tests/gpu/test_parity_on_device.py", "-k", "float64"],
    "runs on the device": ["tests/gpu/test_runs_on_device.py"],
}
FAILURES_KEPT, TEXT_KEPT = 25, 1500


def items(plan: Plan) -> list[Item]:
    """Return one item for each group of tests; a rehearsal takes all of them together, which starts pytest once."""
    parts = {"all files": sorted({words[0] for words in PARTS.values()})} if plan.rehearse else PARTS
    return [
        Item(name, lambda words=words: run_tests(plan, words), limit=240) for name, words in parts.items()
    ]


def run_tests(plan: Plan, words: list[str]) -> dict[str, Any]:
    """Run some tests with the device of the plan and return how many passed, and what the others said."""
    environment = {**os.environ, DEVICE_OF_TESTS: plan.device.type}
    if plan.rehearse:
        environment["CONVBERT_EDU_TEST_EXAMPLES"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "--tb=short",
            f"--junitxml={report}", *words,
        ]  # fmt: skip
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if not report.is_file():
            raise RuntimeError(f"pytest wrote no report (code {ended.returncode}): {ended.stdout[-800:]}")
        found = summary(report)
    if not found["passed"] and not found["failed"]:
        raise RuntimeError(f"pytest ran no test (code {ended.returncode}): {ended.stdout[-800:]}")
    return found


def summary(report: Path) -> dict[str, Any]:
    """Return the counts of a report that pytest wrote (JUnit's XML), and the failures with their texts."""
    failures, counts = [], {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(report).iter("testcase"):
        bad = next((case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None)
        if bad is not None:
            counts["failed"] += 1
            failures.append({"test": case.get("name"), "text": (bad.text or "")[-TEXT_KEPT:]})
        else:
            counts["skipped" if case.find("skipped") is not None else "passed"] += 1
    return {**counts, "failures": failures[:FAILURES_KEPT]}
