"""The package's layout: what may import what, how large it is, and that the documents name files that exist."""

import ast
import posixpath
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import nbformat
import pytest

from helpers import LESSONS, ROOT

PACKAGE = ROOT / "convbert_edu"
DOCUMENTS = (
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "paper.md",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)  # fmt: skip
LIMIT = 140
# Modules that no lesson uses: the others name the lesson that builds or uses them.
IN_NO_LESSON = {
    "convbert_edu.__main__",
    "convbert_edu.cli.common",
    "convbert_edu.cli.main",
    "convbert_edu.data.datasets.download",
    "convbert_edu.data.datasets.sources",
    "convbert_edu.data.formats.classified_texts",
    "convbert_edu.data.formats.common",
    "convbert_edu.data.formats.glue",
    "convbert_edu.data.formats.hub",
    "convbert_edu.data.formats.squad",
    "convbert_edu.data.formats.tables",
    "convbert_edu.extras.doctor",
    "convbert_edu.extras.onnx",
    "convbert_edu.extras.publishing",
    "convbert_edu.extras.text_embeddings",
    "convbert_edu.files",
    "convbert_edu.models.checks",
    "convbert_edu.training.random_numbers",
}


def name_of(path: Path) -> str:
    """The name by which the file of a module is imported."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(source: str) -> set[str]:
    """The modules of the package that a file imports, those inside functions included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name` imports a file where `name` is one.
            found |= {
                full if (full := f"{node.module}.{alias.name}") in MODULES else node.module
                for alias in node.names
            }
    return found & MODULES.keys()


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The names of a circle in a graph of imports; an empty list where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_a_circle_would_be_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    inside_a_function = "def f():\n    from convbert_edu import layers, ConvBertConfig\n    import torch"
    assert imports_of(inside_a_function) == {"convbert_edu", "convbert_edu.layers"}


def test_no_import_goes_in_a_circle():
    graph = {name: imports_of(path.read_text(encoding="utf-8")) - {name} for name, path in MODULES.items()}
    assert sum(map(len, graph.values())) > len(MODULES) / 2, "the imports were not found"
    assert circle_in(graph) == []


def test_the_package_stays_small_enough_to_know():
    assert len(MODULES) <= LIMIT


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_about(name: str):
    text = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8")))
    assert text, f"{name} has no docstring"
    assert len(text.split()) >= 3, f"the docstring of {name} says too little: {text}"


@pytest.mark.parametrize(
    "name",
    [name for name, path in MODULES.items() if path.name != "__init__.py" and name not in IN_NO_LESSON],
)
def test_a_module_names_the_lesson_that_builds_or_uses_it(name: str):
    text = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8"))) or ""
    numbers = re.findall(r"\b\d\d\b", " ".join(re.findall(r"\b[Ll]essons?\b[^.;:]*", text)))
    assert numbers, f"the docstring of {name} names no lesson by its number"
    assert set(numbers) <= {lesson[:2] for lesson in LESSONS}


def test_modules_that_are_in_no_lesson_are_imported_by_none():
    used = set()
    for lesson in LESSONS:
        cells = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4).cells
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        # Lines for IPython (%, !) are no Python.
        used |= imports_of(re.sub(r"^\s*[%!].*$", "pass", "\n\n".join(code), flags=re.MULTILINE))
    assert "convbert_edu.layers" in used
    assert used & IN_NO_LESSON == set()
    assert MODULES.keys() >= IN_NO_LESSON


def paths_in(text: str, folder: str = ".") -> set[str]:
    """The files and folders of the project that a document in `folder` names: its links, and what it sets in code."""
    links = re.findall(r"\]\(([^)#:\s]+)[^):\s]*\)", text)
    code = re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", text)
    tree = re.findall(r"^ {2,}([\w/]+(?:/|\.py))  ", text, flags=re.MULTILINE)
    top = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"build"}
    named = {word for word in code if word.split("/")[0] in top}
    # A link begins in the document's folder, what is set in code at the top of the project.
    linked = {link if folder == "." else posixpath.normpath(f"{folder}/{link}") for link in links}
    return {*linked, *named, *(f"convbert_edu/{name}" for name in tree)}


def test_paths_are_found_in_links_code_and_the_tree():
    text = (
        "See [it](convbert_edu/config.py#L3) and [the paper](https://arxiv.org), `tests/helpers.py`, `a/b`.\n"
    )
    text += "[whole](README.md)\n  layers/           the paper\n  config.py  sizes\n"
    named = {"README.md", "tests/helpers.py", "convbert_edu/config.py"}
    assert paths_in(text) == named | {"convbert_edu/layers/"}
    assert paths_in("[up](../a.md) [beside](b.md) `tests/helpers.py`", "docs") == {
        "a.md", "docs/b.md", "tests/helpers.py",
    }  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str):
    named = paths_in((ROOT / document).read_text(encoding="utf-8"), posixpath.dirname(document) or ".")
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_tree_in_the_readme_names_every_folder_of_the_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {f"convbert_edu/{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= paths_in(readme)
