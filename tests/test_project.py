"""The files around the package agree with each other."""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import start
from helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.search(r"^TARGETS := (.*)$", MAKEFILE, flags=re.MULTILINE)[1].split()

# What other machines need and the tested one does not: a GPU build of torch, macOS, Windows.
PLATFORM_ONLY = re.compile(r"nvidia-|cuda-|triton|appnope|colorama|pywin")


def pins() -> dict[str, Version]:
    """The versions in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if not line.startswith("#")]
    found = {canonicalize_name(r.name): next(iter(r.specifier)) for r in requirements}
    assert len(found) == len(requirements), "a package stands twice"
    assert {specifier.operator for specifier in found.values()} == {"=="}
    return {name: Version(specifier.version) for name, specifier in found.items()}


def needed(requirements: list[str]) -> set[str]:
    """The names of packages that a list of requirements brings in, directly or not, in this environment."""
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        names.add(name)
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(text, wanted) for text in importlib.metadata.requires(name) or []]
    return names


def declared() -> list[str]:
    """What start.py installs: the package's own dependencies and the extras, some only where they are there."""
    names = list(start.EXTRAS)
    if importlib.util.find_spec("tensorflow"):
        names += start.EXTRAS_OF_TESTS
    if importlib.util.find_spec("sphinx_book_theme"):
        names += start.EXTRAS_OF_BOOK
    extras = PROJECT["optional-dependencies"]
    return PROJECT["dependencies"] + [line for name in names for line in extras[name]]


@pytest.mark.parametrize("line", declared())
def test_every_dependency_is_pinned_inside_its_range(line):
    requirement = Requirement(line)
    assert pins()[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_pins_are_what_the_project_needs_no_more_and_no_less():
    pinned, wanted = set(pins()), needed(declared())
    assert {name for name in wanted - pinned if not PLATFORM_ONLY.match(name)} == set()
    # Once a test has imported setuptools, the copies of packages inside it are found, too.
    installed = {
        canonicalize_name(found.metadata["Name"])
        for found in importlib.metadata.distributions()
        if "_vendor" not in Path(found.locate_file("")).parts
    }
    assert (pinned & installed) - wanted == set()


def test_pins_fit_every_platform():
    assert all(version.local is None for version in pins().values())  # 2.13.0, not 2.13.0+cpu


def test_the_conda_environment_has_no_list_of_versions_of_its_own():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    python, pip, from_pip = dependencies
    assert pip == "pip"
    extras = ",".join(start.EXTRAS)
    assert from_pip == {"pip": ["--constraint constraints.txt", f"--editable .[{extras}]"]}
    assert Version(python.removeprefix("python=")) in SpecifierSet(PROJECT["requires-python"])


def test_make_has_the_targets_that_start_has_commands():
    assert list(start.COMMANDS) == TARGETS


def without_outer_make() -> dict[str, str]:
    """Return the environment without the words of the `make test` that may run this test: it is no part of it."""
    return {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_hands_every_target_to_start(tmp_path):
    """Here `python` is a program that only writes down what it is told."""
    told = tmp_path / "a python"
    told.write_text('#!/bin/sh\necho "$@" $CONVBERT_EDU_TORCH_INDEX\n')
    told.chmod(0o755)
    for target in ("help", *TARGETS):
        words = ["make", target, f"PYTHON='{told}'", "CONVBERT_EDU_TORCH_INDEX=cpu"]
        made = subprocess.run(
            words, cwd=ROOT, env=without_outer_make(), capture_output=True, text=True, check=True
        )
        assert made.stdout.split() == ["start.py", target, "cpu"]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_says_which_python_is_not_there():
    made = subprocess.run(
        ["make", "lab", "PYTHON=python9"], cwd=ROOT, env=without_outer_make(), capture_output=True, text=True
    )
    assert made.returncode == 2
    assert (
        "there is no 'python9' here; name a Python: make lab PYTHON=python3.11" in made.stdout + made.stderr
    )


def test_the_oldest_python_is_the_same_everywhere():
    oldest = Version(".".join(map(str, start.OLDEST)))
    (needed_by_the_package,) = SpecifierSet(PROJECT["requires-python"])
    assert (needed_by_the_package.operator, Version(needed_by_the_package.version)) == (">=", oldest)
    assert str(start.OLDEST) in start.PROBE
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_container_sets_up_by_start_with_a_python_that_is_new_enough():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    image, version = container["image"].split(":")
    assert image == "python"
    assert Version(version) in SpecifierSet(PROJECT["requires-python"])
    program, script, command = container["postCreateCommand"]
    assert (program, script) == ("python", "start.py")
    assert command in start.COMMANDS
    assert set(container["containerEnv"]) == {start.TORCH_INDEX}


def test_commands_in_the_readme_and_in_docs_exist():
    pages = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    pages["README.md"] = (ROOT / "README.md").read_text(encoding="utf-8")
    made, started = (
        {name: set(re.findall(pattern, text, flags=re.MULTILINE)) for name, text in pages.items()}
        for pattern in (r"(?:^|`)make ([a-z-]+)", r"start\.py ([a-z-]+)")
    )
    assert {"lab", "test"} <= made["README.md"] & started["README.md"]
    assert "lab" in started["setup.md"]
    for name in pages:
        assert made[name] | started[name] <= {"help", *TARGETS}, name


def test_continuous_integration_runs_the_tests():
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_progress_bars_can_be_switched_off():
    # The notebook variants, tqdm.auto included, ignore TQDM_DISABLE and leave widgets behind that cannot be stored.
    for path in (ROOT / "convbert_edu").rglob("*.py"):
        assert not re.search(r"tqdm\.(auto|notebook|autonotebook)", path.read_text(encoding="utf-8")), (
            path.name
        )


def test_no_file_names_a_path_of_somebodys_machine():
    # Written so that this file does not contain what it looks for.
    machine_path = re.compile(rb"(?<![\w.~/-])/(?:home|root|work|Users|tmp)/\w")
    for folder in (
        ".ci",
        ".devcontainer",
        ".github",
        "benchmarks",
        "convbert_edu",
        "docs",
        "notebooks",
        "tests",
    ):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                found = machine_path.search(path.read_bytes())
                assert found is None, f"{path.relative_to(ROOT)}: {found}"
    for path in ROOT.iterdir():
        # In a further work tree .git is a file, which is nobody else's.
        if path.is_file() and path.name != ".git":
            assert not machine_path.search(path.read_bytes()), path.name
