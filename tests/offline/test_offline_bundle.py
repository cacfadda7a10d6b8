"""The bundle for machines without a network: what is copied, and what its installer refuses and tells pip."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import make_bundle
from helpers import ROOT


def load_installer(folder: Path) -> ModuleType:
    """The bundle's install.py, as it lies in a folder."""
    shutil.copy(ROOT / "offline" / "install.py", folder)
    spec = importlib.util.spec_from_file_location("install_of_the_bundle", folder / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_made_for(folder: Path, **changes: str) -> None:
    """Say for which Python a bundle was made: this one, but for the changes."""
    code = (
        "import json, platform, sys; print(json.dumps({'python': '.'.join(map(str, sys.version_info[:2])), "
    )
    code += "'system': platform.system(), 'machine': platform.machine()}))"
    found = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    (folder / "made_for.json").write_text(json.dumps(found | changes))


def test_the_copy_holds_the_project_and_nothing_that_was_built(tmp_path):
    root = tmp_path / "root"
    built = (
        ".git/config",
        ".venv/x",
        "build/y",
        "a/__pycache__/b.pyc",
        "notebooks/my_convbert.py",
        "x.egg-info/z",
    )
    kept = ("start.py", "convbert_edu/bundled/m/model.safetensors", "notebooks/00.ipynb", "book/conf.py")
    for name in (*built, *kept):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    shutil.copy(ROOT / ".gitignore", root)
    make_bundle.copy_project(root, tmp_path / "copy")
    copied = {
        path.relative_to(tmp_path / "copy").as_posix()
        for path in (tmp_path / "copy").rglob("*")
        if path.is_file()
    }
    assert copied == {*kept, ".gitignore"}


@pytest.mark.parametrize("change", [{"python": "3.9"}, {"system": "Plan 9"}, {"machine": "abacus"}])
def test_another_python_or_system_is_refused_with_a_remedy(tmp_path, change):
    write_made_for(tmp_path, **change)
    installer = load_installer(tmp_path)
    with pytest.raises(SystemExit, match=r"(?s)was made for .*start\.py offline-bundle") as stopped:
        installer.main()
    assert next(iter(change.values())) in str(stopped.value)


def test_pip_is_told_to_take_packages_from_the_folder_only(tmp_path, monkeypatch):
    folder = tmp_path / "a folder"
    (folder / "project").mkdir(parents=True)
    (folder / "data").mkdir()
    write_made_for(folder)
    (folder / "project" / "start.py").write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "EXTRAS_OF_BOOK = ('book',)\n"
        "def python_of(folder): return sys.executable\n"
        "class Project:\n"
        "    def __init__(self, root): self.root = root\n"
        "    def prepare(self, extras=()):\n"
        "        with open(self.root / 'told', 'a') as file:\n"
        "            print(extras, os.environ['PIP_NO_INDEX'], os.environ['PIP_FIND_LINKS'], file=file)\n"
    )
    environment = os.environ | {"CONVBERT_EDU_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    (folder / "data" / "text.whl").write_text("words")
    load_installer(folder)
    done = subprocess.run(
        [sys.executable, folder / "install.py"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    wheels = (folder / "wheels").as_uri()
    assert (folder / "project" / "told").read_text() == f"() 1 {wheels}\n('book',) 1 {wheels}\n"
    assert " " not in wheels
    assert (tmp_path / "cache" / "text.whl").read_text() == "words"


def test_the_readme_of_the_bundle_names_commands_that_exist():
    import start

    for name in ("lab", "test-fast", "walkthrough", "book", "course", "test", "explainer", "offline-bundle"):
        assert f"{name}" in make_bundle.README
        assert name in start.COMMANDS
