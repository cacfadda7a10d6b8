"""The wheel holds all that an installed user needs: it is built, installed and used outside of the repository."""

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from helpers import ROOT
from page_reading import examples
from start import python_of
from tiny_corpus import ANIMALS, sentences

PACKAGE = ROOT / "convbert_edu"
pytestmark = pytest.mark.slow


def run(*command: object, folder: Path) -> str:
    """Run a command in a folder, as a user without the repository would; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # An empty cache, and no network.
    environment |= {
        "CONVBERT_EDU_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it from a copy, so that nothing an earlier build left in the repository comes along."""
    folder = tmp_path_factory.mktemp("build")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(PACKAGE, folder / "convbert_edu", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
    run(*pip, "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "wheels", ".", folder=folder)
    (built,) = (folder / "wheels").iterdir()
    return built


@pytest.fixture(scope="module")
def outside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment that has the wheel, and of the test environment its other packages only."""
    folder = tmp_path_factory.mktemp("outside")
    run(sys.executable, "-m", "venv", "--without-pip", ".venv", folder=folder)
    python = python_of(folder / ".venv")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(run(python, "-c", code, folder=folder).strip())
    # A folder that is named in a .pth file is searched after the environment's own, and .pth files in it are not
    # read, so the repository, which is installed there by such a file, is not found.
    others = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "of_the_tests.pth").write_text("\n".join(sorted(others)) + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install"]
    run(*pip, "--no-deps", "--no-index", wheel, folder=folder)
    return folder


def command_of(outside: Path) -> Path:
    """The installed command `convbert-edu`."""
    return python_of(outside / ".venv").with_name("convbert-edu" + (".exe" if os.name == "nt" else ""))


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path):
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__" and not path.name.startswith(".")
    }
    assert {"convbert_edu/__init__.py", "convbert_edu/bundled/convbert-tiny/model.safetensors"} <= there
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("/LICENSE")]
        assert names == there
        assert len(licences) == 1
        for name in names:
            assert archive.read(name) == (ROOT / name).read_bytes(), name


def test_the_models_of_the_box_come_from_the_new_environment(outside: Path):
    code = """
import json, pathlib, convbert_edu, torch
from convbert_edu import ConvBertModel, ConvBertTokenizer
shapes = {}
for folder in sorted((pathlib.Path(convbert_edu.__file__).parent / "bundled").iterdir()):
    model, tokenizer = ConvBertModel.from_pretrained(folder.name), ConvBertTokenizer.from_pretrained(folder.name)
    with torch.no_grad():
        output = model(**tokenizer("a warm , funny film .", return_tensors="pt")).last_hidden_state
    shapes[folder.name] = [*output.shape, bool(output.isfinite().all())]
print(json.dumps([convbert_edu.__file__, shapes]))
"""
    file, shapes = json.loads(run(python_of(outside / ".venv"), "-c", code, folder=outside))
    assert Path(file).is_relative_to(outside / ".venv")
    assert shapes.keys() == {folder.name for folder in (PACKAGE / "bundled").iterdir()}
    widths = {"convbert-mini": 384}
    for name, shape in shapes.items():
        # [CLS], six words and signs, [SEP]; the tiny models are 128 wide.
        assert shape == [1, 8, widths.get(name, 128), True]


def test_the_first_block_of_the_readme_runs_from_the_new_environment(outside: Path):
    ((code, written),) = examples((ROOT / "README.md").read_text(encoding="utf-8"))
    assert run(python_of(outside / ".venv"), "-c", code, folder=outside) == written


def test_a_user_fine_tunes_a_model_on_a_table_and_asks_it(outside: Path):
    animals = list(ANIMALS)[:2]
    texts = [text for text in sentences(seed=6, count=120) if text.split()[1] in animals]
    assert len(texts) >= 30
    with (outside / "animals.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *([text, text.split()[1]] for text in texts)])
    settings = ("epochs=6", "batch_size=8", "learning_rate=0.002", "max_length=16", "precision=float32")
    record = run(
        command_of(outside), "finetune", "classification", "--data", "table:animals.csv", "--test", "animals.csv",
        "--model", "convbert-tiny", "--output", "run", "--device", "cpu",
        *(word for setting in settings for word in ("--set", setting)), folder=outside,
    )  # fmt: skip
    assert json.loads(record)["test"]["accuracy"] > 0.9
    texts = [f"the {animal} sleeps ." for animal in animals]
    asked = [word for text in texts for word in ("--text", text)]
    lines = run(command_of(outside), "predict", "--model", "run", *asked, "--device", "cpu", folder=outside)
    answers = list(map(json.loads, lines.splitlines()))
    assert [answer["text"] for answer in answers] == texts
    assert all(set(answer["probabilities"]) == set(animals) for answer in answers)


def test_data_are_listed(outside: Path):
    listed = run(command_of(outside), "data", "list", folder=outside)
    assert "reviews    not cached" in listed
    assert str(outside / "cache") in listed
