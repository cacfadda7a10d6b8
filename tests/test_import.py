"""Importing costs little: what few readers need is loaded where it is used."""

import importlib
import subprocess
import sys

import nbformat
import pytest

from helpers import ROOT

HEAVY = (
    "accelerate datasets click huggingface_hub IPython matplotlib onnx onnxruntime onnxscript pandas platformdirs "
    "scipy seqeval sklearn sympy tensorflow torch._dynamo torch._inductor transformers"
).split()

LESSON = "03_span_based_dynamic_convolution"
# What the first cell of lesson 03 loaded of this package while everything was imported at once: 85 modules (and 2,183
# with torch and matplotlib). Now it is 42 (and 1,568), and it must not become more than half of what it was.
MODULES_BEFORE = 85


def loaded_by(program: str) -> list[str]:
    """Run a program in a fresh Python and return the names of all modules that it leaves loaded."""
    program += "\nimport sys\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    return result.stdout.split()


def test_importing_the_package_loads_no_heavy_library_but_torch():
    loaded = set(loaded_by("import torch, convbert_edu")) - set(loaded_by("import torch"))
    assert "convbert_edu.models.encoder" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_lesson_03_loads_at_most_half_of_the_modules_that_it_loaded():
    lesson = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4)
    imports = next(cell.source for cell in lesson.cells if cell.cell_type == "code")
    loaded = [name for name in loaded_by(imports) if name.partition(".")[0] == "convbert_edu"]
    assert "convbert_edu.layers.dynamic_convolution" in loaded
    assert len(loaded) <= MODULES_BEFORE // 2, sorted(loaded)


@pytest.mark.parametrize("name", ["analysis", "visualize"])
def test_names_that_are_loaded_late_are_all_there(name: str):
    package = importlib.import_module(f"convbert_edu.{name}")
    by_star: dict[str, object] = {}
    exec(f"from convbert_edu.{name} import *", by_star)
    del by_star["__builtins__"]
    assert sorted(by_star) == sorted(package.__all__) == sorted(package.MODULE_OF)
    assert set(package.__all__) <= set(dir(package))
    for each, value in by_star.items():
        assert getattr(package, each) is value
        # A class or function stands in the very file that the table names.
        assert value.__module__ == f"convbert_edu.{name}.{package.MODULE_OF[each]}"
    with pytest.raises(AttributeError, match=f"has no attribute 'no_such_name'; it has {package.__all__[0]}"):
        package.no_such_name  # noqa: B018


@pytest.mark.parametrize("name", ["analysis", "visualize"])
def test_a_name_loads_its_own_file_only(name: str):
    package = importlib.import_module(f"convbert_edu.{name}")
    files = {f"convbert_edu.{name}.{module}" for module in package.MODULE_OF.values()}
    assert files.isdisjoint(loaded_by(f"import convbert_edu.{name}"))
