"""start.py sets up and runs everything on machines without make; here its commands are only written down."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import start
from helpers import ROOT

# A folder whose name has what shells and old programs stumble over.
STRANGE = "Üben & lernen's $HOME"


class Machine:
    """Stands for the programs of a machine: writes down what is run, and does to the folder what they would do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str] | None] = []
        self.failing: Callable[[list[str]], bool] = lambda command: False
        self.interrupted: Callable[[list[str]], bool] = lambda command: False

    def __call__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: dict[str, str] | None = None,
        silent: bool = False,
    ) -> int:
        assert folder.is_dir()
        command = list(command)
        if command[1] == "-c":
            return 0 if Path(command[0]).read_text() == "works" else 1
        self.commands.append([word.replace(str(self.root), "ROOT") for word in command[1:]])
        self.environments.append(environment)
        if self.interrupted(command):
            raise KeyboardInterrupt
        if self.failing(command):
            return 1
        if command[1:3] == ["-m", "venv"]:
            made = Path(command[-1])
            shutil.rmtree(made, ignore_errors=True)
            python = start.python_of(made)
            python.parent.mkdir(parents=True)
            python.write_text("works")
        return 0

    def said(self, *words: str) -> list[list[str]]:
        """The commands in which all of `words` stand."""
        return [command for command in self.commands if set(words) <= set(command)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.delenv(start.TORCH_INDEX, raising=False)
    root = tmp_path / STRANGE
    (root / "notebooks").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    return Machine(root)


def run(machine: Machine, *arguments: str) -> None:
    start.main(arguments, machine.root, machine)


def installs(machine: Machine) -> list[list[str]]:
    """What each run of pip was asked to install."""
    pip = [command for command in machine.commands if "pip" in command]
    assert all(c[c.index("--constraint") :][:2] == ["--constraint", "constraints.txt"] for c in pip)
    return [command[command.index("constraints.txt") + 1 :] for command in pip]


def test_the_first_start_makes_everything_and_the_second_only_what_was_asked_for(machine: Machine):
    run(machine, "lint")
    assert machine.commands[0] == ["-m", "venv", "--clear", f"ROOT{os.sep}.venv"]
    assert installs(machine) == [["--editable", ".[notebooks,dev]"]]
    assert machine.commands[-1] == ["-m", "ruff", "check", "."]

    machine.commands.clear()
    run(machine, "lint")
    assert machine.commands == [["-m", "ruff", "check", "."]]


def test_only_the_tests_install_tensorflow_and_they_do_so_once(machine: Machine):
    run(machine, "test-fast")
    assert not [words for words in installs(machine) if "tensorflow" in words[-1]]
    for _ in range(2):
        run(machine, "test")
    assert installs(machine) == [
        ["--editable", ".[notebooks,dev]"],
        ["--editable", ".[tensorflow]"],
        [start.NBGRADER],
    ]
    assert len(machine.said("pytest", "--nbval")) == 2


def test_nbgrader_has_an_environment_of_its_own_with_this_kernel_and_gets_it_once(machine: Machine):
    home = f"ROOT{os.sep}.venv{os.sep}nbgrader"
    run(machine, "test-fast")
    assert not machine.said(start.NBGRADER)
    machine.failing = lambda command: start.NBGRADER in command
    with pytest.raises(SystemExit, match="could not be made"):
        run(machine, "test")
    machine.failing = lambda command: False
    machine.commands.clear()
    for _ in range(2):
        run(machine, "test")
    assert machine.said("venv") == [["-m", "venv", home]]
    assert len(machine.said(start.NBGRADER)) == 1
    assert machine.said("ipykernel") == [["-m", "ipykernel", "install", "--prefix", home]]
    assert "nbgrader" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.pytest")[0]


def test_lessons_and_tests_run_under_the_same_settings_everywhere(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    run(machine, "test")
    quiet = [e for c, e in zip(machine.commands, machine.environments, strict=True) if "pytest" in c]
    assert len(quiet) == 2
    for environment in quiet:
        assert "MPLBACKEND" not in environment
        settings = {name: environment[name] for name in ("OMP_NUM_THREADS", "PYTHONHASHSEED", "TQDM_DISABLE")}
        assert settings == {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"}
        # Two of them run side by side on two cores.
        assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
        assert environment["PATH"] == os.environ["PATH"]


def test_the_first_command_that_fails_ends_the_run(machine: Machine):
    machine.failing = lambda command: "ruff" in command
    with pytest.raises(SystemExit) as stopped:
        run(machine, "test")
    assert stopped.value.code == 1
    assert not machine.said("pytest")


def test_every_command_does_something_and_names_files_that_exist(machine: Machine):
    for name in start.COMMANDS:
        machine.commands.clear()
        run(machine, name)
        # `clean` runs nothing; everything else ends with a command beyond the set-up, but `setup` itself.
        assert bool(machine.commands) == (name != "clean"), name
        for command in machine.commands:
            for word in command:
                if word.endswith(".py") or word.startswith("tests/"):
                    assert (ROOT / word).exists(), word


@pytest.mark.parametrize("when", ["the environment is made", "packages are installed"])
def test_after_an_interruption_the_next_start_makes_it_anew(
    machine: Machine, when: str, capsys: pytest.CaptureFixture
):
    word = "venv" if when == "the environment is made" else "install"
    machine.interrupted = lambda command: word in command
    with pytest.raises(SystemExit) as stopped:
        run(machine, "lint")
    assert stopped.value.code == 130
    assert "Start the same command again" in capsys.readouterr().err
    if word == "install":
        (machine.root / ".venv" / "half a package").touch()

    machine.interrupted = lambda command: False
    machine.commands.clear()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["venv", "pip", "ruff"]
    assert not (machine.root / ".venv" / "half a package").exists()
    assert not (machine.root / ".venv" / ".unfinished").exists()


def test_without_a_network_it_says_so_and_tries_again_next_time(machine: Machine):
    machine.failing = lambda command: "install" in command
    with pytest.raises(
        SystemExit, match=r"(?s)Without a network nothing can be fetched.*Start the same command"
    ):
        run(machine, "lint")
    machine.failing = lambda command: False
    machine.commands.clear()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["pip", "ruff"]


def test_an_update_that_fails_leaves_the_environment_as_it_was(machine: Machine):
    run(machine, "lint")
    (machine.root / "constraints.txt").write_text("torch==99\n")
    machine.failing = lambda command: "install" in command
    with pytest.raises(SystemExit, match="The install failed"):
        run(machine, "lint")
    machine.failing = lambda command: False
    machine.commands.clear()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["pip", "ruff"]
    machine.commands.clear()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["ruff"]


@pytest.mark.parametrize("damage", ["no python", "no pip", "moved"])
def test_an_environment_that_does_not_work_is_made_anew(machine: Machine, damage: str):
    run(machine, "lint")
    python = start.python_of(machine.root / ".venv")
    if damage == "no python":
        python.unlink()
    elif damage == "no pip":
        python.write_text("broken")
    else:
        machine.root = machine.root.rename(machine.root.with_name("elsewhere"))
    machine.commands.clear()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["venv", "pip", "ruff"]


def test_an_environment_that_somebody_else_made_is_used_as_it_is(machine: Machine):
    python = start.python_of(machine.root / ".venv")
    python.parent.mkdir(parents=True)
    python.write_text("works")
    # The first version of the Makefile left an empty stamp.
    (machine.root / ".venv" / ".installed").touch()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["pip", "ruff"]


def test_a_folder_that_cannot_be_written_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SystemExit) as stopped:
        run(machine, "setup")
    assert f"The folder {machine.root} cannot be written (Read-only file system)" in str(stopped.value)
    assert "Copy the project" in str(stopped.value)
    assert machine.commands == []


def test_an_environment_cannot_be_replaced_from_inside(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    run(machine, "lint")
    start.python_of(machine.root / ".venv").write_text("broken")
    monkeypatch.setattr(sys, "prefix", str(machine.root / ".venv"))
    with pytest.raises(SystemExit, match="deactivate"):
        run(machine, "lint")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tets"], "there is no command 'tets'; did you mean 'test'?"),
        (["?"], "there is no command '?'; The commands are setup, lab"),
        (["lab", "--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_what_it_does_not_know_is_named(
    machine: Machine, arguments: list[str], message: str, capsys: pytest.CaptureFixture
):
    with pytest.raises(SystemExit) as stopped:
        run(machine, *arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert machine.commands == []


def test_help_lists_every_command(machine: Machine, capsys: pytest.CaptureFixture):
    run(machine)
    shown = re.findall(r"^  ([a-z-]+) +[A-Z].*\.$", capsys.readouterr().out, flags=re.MULTILINE)
    assert shown == list(start.COMMANDS)


def test_the_stamp_says_what_was_installed_and_where(machine: Machine):
    run(machine, "lint")
    stamp = json.loads((machine.root / ".venv" / ".installed").read_text(encoding="utf-8"))
    assert (stamp["folder"], stamp["extras"]) == (str(machine.root), ["dev", "notebooks"])


# Where torch comes from.


def test_pip_decides_where_torch_comes_from_unless_it_is_told(machine: Machine):
    run(machine, "test")
    assert not [word for command in machine.commands for word in command if "index" in word]


@pytest.mark.parametrize("how", ["option", "variable"])
def test_torch_can_come_from_another_index_and_nothing_else_does(
    machine: Machine, how: str, monkeypatch: pytest.MonkeyPatch
):
    if how == "option":
        run(machine, "lint", "--torch-index", "cpu")
    else:
        monkeypatch.setenv(start.TORCH_INDEX, "cpu")
        run(machine, "lint")
    first, second = installs(machine)
    assert first == ["--no-deps", "--index-url", "https://download.pytorch.org/whl/cpu", "torch"]
    assert second == ["--editable", ".[notebooks,dev]"]


def test_the_index_is_remembered_and_another_one_means_another_environment(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    run(machine, "lint", "--torch-index", "https://example.org/simple")
    machine.commands.clear()
    run(machine, "lint")
    assert [command[1] for command in machine.commands] == ["ruff"]
    (machine.root / "constraints.txt").write_text("torch==99\n")
    run(machine, "lint")
    assert "https://example.org/simple" in installs(machine)[0]
    machine.commands.clear()
    run(machine, "lint", "--torch-index", "cu126")
    assert [command[1] for command in machine.commands] == ["venv", "pip", "pip", "ruff"]


def test_an_index_that_is_none_is_refused(machine: Machine):
    with pytest.raises(SystemExit, match="--torch-index is 'c p u'; give an address"):
        run(machine, "setup", "--torch-index", "c p u")


@pytest.mark.parametrize(
    ("system", "has_card", "told"),
    [("Linux", False, True), ("Linux", True, False), ("Windows", False, False), ("Darwin", False, False)],
)
def test_gigabytes_that_nothing_would_use_are_announced(system: str, has_card: bool, told: bool):
    hint = start.cuda_hint(system, has_card)
    assert bool(hint) == told
    if told:
        assert "2.7 GB" in hint
        assert "--torch-index cpu" in hint


def test_the_announcement_comes_before_the_first_install_only(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(start.platform, "system", lambda: "Linux")
    monkeypatch.setattr(start, "has_nvidia_card", lambda: False)
    run(machine, "lint")
    shown = capsys.readouterr().out
    assert shown.index("No NVIDIA GPU is seen here") < shown.index("pip")
    run(machine, "test")
    assert "NVIDIA" not in capsys.readouterr().out
