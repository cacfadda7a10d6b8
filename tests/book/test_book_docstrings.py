"""Docstrings become reStructuredText that docutils reads without a complaint."""

import ast
import re
import warnings

import pytest
from docutils import core as docutils_core

from book_docstrings import to_rst
from helpers import ROOT


def html(lines: list[str]) -> str:
    """What a page shows of some reStructuredText; a complaint of docutils is an error."""
    settings = {"report_level": 2, "halt_level": 2, "embed_stylesheet": False, "smart_quotes": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return docutils_core.publish_parts("\n".join(lines), writer="html5", settings_overrides=settings)[
            "body"
        ]


class Sample:
    """A class with two fields."""

    size: int
    output_mode: str


def sample(rate: float, *, steps: int = 3) -> None:
    """A function with two parameters."""


def test_code_is_marked_and_signs_stay_signs():
    shown = html(to_rst(["Return |t - j| * 2 of `name`s, **batch and a_ (see `f(*x)`)."]))
    assert "|t - j| * 2" in shown
    assert "**batch and a_ (see" in shown
    assert "f(*x)" in shown
    assert re.findall(r">([^<>]*)</(?:span|code|tt)>", shown.replace('</span> <span class="pre">', " ")) == [
        "name",
        "f(*x)",
    ]


def test_parameters_and_fields_become_a_list_with_their_texts_whole():
    shown = html(
        to_rst(
            ["Do it.", "", "rate: how fast,", "    in all", "steps: how often", "Raises ValueError."], sample
        )
    )
    assert shown.count("<li>") == 2
    assert "how fast,\nin all" in shown
    assert shown.rindex("</ul>") < shown.index("Raises")
    assert html(to_rst(["size: how large", "output_*: which"], Sample)).count("<li>") == 2


def test_other_words_before_a_colon_are_no_list():
    assert "<li>" not in html(to_rst(["note: this is text", "rows: batch"], sample))


def test_a_formula_over_several_lines_stays_as_it_is():
    shown = html(
        to_rst(["The loss:", "", "loss = a * b      (first)", "     + c * d      (second)", "", "More."])
    )
    assert "loss = a * b      (first)\n     + c * d      (second)" in shown


@pytest.mark.parametrize(
    "folder", sorted(path.name for path in (ROOT / "convbert_edu").iterdir() if path.is_dir())
)
def test_every_docstring_of_the_package_can_be_read(folder):
    for path in (ROOT / "convbert_edu" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                html(to_rst(ast.get_docstring(node).splitlines()))
