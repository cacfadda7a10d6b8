"""The pages beside the lessons: glossary, prerequisites, troubleshooting, names."""

import ast
import re
from graphlib import CycleError, TopologicalSorter

import pytest

from helpers import LESSONS, ROOT
from names_page import LETTERS, class_table, filled_page, parameter_table, written_in
from page_reading import (
    broken_links,
    entries,
    examples,
    links,
    notation,
    quoted_messages,
    sentences,
    without_code,
    wrong_outputs,
)

NOTEBOOKS = ROOT / "notebooks"
PAGES = ("GLOSSARY.md", "PREREQUISITES.md", "TROUBLESHOOTING.md", "NAMES.md")
WITH_CODE = ("PREREQUISITES.md", "TROUBLESHOOTING.md")
# Words of the glossary that are also ordinary English, so that they do not always mean the term.
ALSO_ENGLISH = {"head", "key", "value", "split", "student", "teacher", "query", "generator"}


def page(name: str) -> str:
    return (NOTEBOOKS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_somewhere(name):
    assert broken_links(NOTEBOOKS / name) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_linked_from_the_other_pages_and_lines_are_short_enough_to_read(name):
    assert any(name in target for other in PAGES if other != name for _, target in links(page(other)))
    prose = [line for line in without_code(page(name)).splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > 125] == []


# Glossary.


def test_the_terms_stand_in_the_order_of_the_alphabet():
    terms = list(entries(page("GLOSSARY.md")))
    assert len(terms) >= 60
    assert terms == sorted(terms, key=str.lower)


@pytest.mark.parametrize(("term", "text"), entries(page("GLOSSARY.md")).items())
def test_an_entry_is_two_to_four_sentences_with_a_place_in_the_course(term, text):
    assert 2 <= len(sentences(text)) <= 4, sentences(text)
    targets = [target for _, target in links(text)]
    assert any(target.endswith(".ipynb") or target.startswith("../convbert_edu/") for target in targets)
    for words, target in links(text):
        if target.endswith(".ipynb"):
            assert words.lower() == f"lesson {target[:2]}"


def test_no_term_is_explained_by_terms_that_are_explained_by_it():
    assert circle_of_definitions(entries(page("GLOSSARY.md"))) == []


def test_a_circle_of_definitions_is_found():
    circle = {
        "token": "A token is a part of the vocabulary.",
        "vocabulary": "The vocabulary is a list of tokens.",
    }
    assert set(circle_of_definitions(circle)) == {"token", "vocabulary"}
    assert circle_of_definitions(circle | {"token": "A token is a piece of text. See vocabulary."}) == []


def circle_of_definitions(found: dict[str, str]) -> list[str]:
    """The terms of a circle in which each is defined, in its first sentence, by the next; none where there is none."""
    by_length = sorted(found, key=len, reverse=True)
    pattern = re.compile(
        rf"(?<![\w-])({'|'.join(map(re.escape, by_length))})(?:s|es)?(?![\w-])", re.IGNORECASE
    )
    names = {term.lower(): term for term in found}
    graph = {
        term: {names[word.lower()] for word in pattern.findall(sentences(text)[0])} - {term} - ALSO_ENGLISH
        for term, text in found.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_every_letter_of_the_notation_stands_there_once():
    letters = notation(page("GLOSSARY.md"))
    assert len(letters) == len(set(letters))
    assert {"B", "n", "d", "e", "v", "L", r"\gamma", "h", "d_h", "a", "k", "r", "g", r"\mathcal{L}"} <= set(
        letters
    )


# Prerequisites and troubleshooting.


@pytest.mark.usefixtures("as_a_user")
@pytest.mark.parametrize("name", WITH_CODE)
def test_the_snippets_print_what_stands_below_them(name):
    assert wrong_outputs(page(name)) == []


def test_a_snippet_that_prints_something_else_is_found():
    good = "```python\nx = 2\nprint(x)\n```\n\n```text\n2\n```\n"
    bad = "```python\nprint(x + 1)\n```\n\n```text\n4\n```\n"
    assert wrong_outputs(good) == []
    assert wrong_outputs(good + "\n" + bad) == [("print(x + 1)\n", "3\n", "4\n")]
    assert wrong_outputs(good + "\n```python\nprint(x)\n```\n") == [("print(x)\n", "2\n", "")]


def test_the_prerequisites_have_a_snippet_in_each_part():
    parts = re.split(r"^## ", page("PREREQUISITES.md"), flags=re.MULTILINE)[1:]
    for part in parts[:-1]:  # the last one says where to go on
        assert examples(part), part.splitlines()[0]


def test_the_quoted_messages_are_those_of_the_package():
    texts = texts_of_the_package()
    quoted = quoted_messages(page("TROUBLESHOOTING.md"))
    assert len(quoted) >= 3
    for message in quoted:
        for piece in message:
            assert any(piece in text for text in texts), piece
    assert not any("look for broken exampels" in text for text in texts)


def texts_of_the_package() -> list[str]:
    """All texts written in the package's code, those around the values of an f-string included."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "convbert_edu").rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


# Names.


def test_the_tables_of_names_are_those_of_the_models():
    text = page("NAMES.md")
    assert filled_page(text) == text, "run: python notebooks/tools/names_page.py"


def test_a_wrong_name_in_the_tables_is_replaced():
    text = page("NAMES.md")
    wrong = text.replace("conv_kernel_layer", "kernel_layer").replace("`ConvBertLayer`", "`ConvBertBlock`")
    assert wrong != text
    assert filled_page(wrong) == text
    with pytest.raises(ValueError, match="with the table between them"):
        filled_page(text.replace("<!-- table of classes: end -->", ""))


def test_the_tables_hold_what_is_known_of_transformers():
    classes = {row.split("|")[2].strip(): row for row in class_table().splitlines()[2:]}
    assert list(classes) == [f"`{name}`" for name in written_in()]
    for name, theirs in {
        "SpanAwareKey": "SeparableConv1D",
        "GroupedLinear": "GroupedLinearLayer",
        "FeedForward": "`ConvBertIntermediate`, `ConvBertOutput`",
        "MixedAttention": "ConvBertAttention",
        "SelfAttention": "ConvBertSelfAttention",
        "SpanDynamicConvolution": "ConvBertSelfAttention",
        "EncoderLayer": "ConvBertLayer",
        "ConvBert": "`ConvBertModel` |",
    }.items():
        assert theirs in classes[f"`{name}`"]
    rows = parameter_table().splitlines()[2:]
    assert len(rows) == len(LETTERS)
    (kernel,) = (row for row in rows if "$W_f$" in row)
    assert "convbert.encoder.layer.N.attention.self.conv_kernel_layer.weight" in kernel


def test_the_letters_of_the_parameters_are_those_of_the_notation():
    known = set(notation(page("GLOSSARY.md")))
    used = {letter for cell in LETTERS.values() for letter in re.findall(r"\$([^$]+)\$", cell)}
    assert used <= known


def test_every_lesson_that_builds_a_class_exists():
    assert {re.search(r"\((.*)\.ipynb\)", link)[1] for link in written_in().values()} <= set(LESSONS)
