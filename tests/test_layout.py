"""The package's layout: what may import what, how large it is, and that the documents name files that exist."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from helpers import ROOT

PACKAGE = ROOT / "convbert_edu"
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
LIMIT = 140


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


def paths_in(text: str) -> set[str]:
    """The files and folders of the project that a document names: its links, and what it sets in code."""
    links = re.findall(r"\]\(([^)#:\s]+)[^):\s]*\)", text)
    code = re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", text)
    tree = re.findall(r"^ {2,}([\w/]+(?:/|\.py))  ", text, flags=re.MULTILINE)
    top = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"build"}
    named = {word for word in code if word.split("/")[0] in top}
    return {*links, *named, *(f"convbert_edu/{name}" for name in tree)}


def test_paths_are_found_in_links_code_and_the_tree():
    text = (
        "See [it](convbert_edu/config.py#L3) and [the paper](https://arxiv.org), `tests/helpers.py`, `a/b`.\n"
    )
    text += "[whole](README.md)\n  layers/           the paper\n  config.py  sizes\n"
    named = {"README.md", "tests/helpers.py", "convbert_edu/config.py"}
    assert paths_in(text) == named | {"convbert_edu/layers/"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str):
    named = paths_in((ROOT / document).read_text(encoding="utf-8"))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_tree_in_the_readme_names_every_folder_of_the_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {f"convbert_edu/{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= paths_in(readme)
