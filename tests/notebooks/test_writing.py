"""How the rewritten lessons read: their letters, their terms, their words, their references, the classes they build.

Each check is first shown to find its fault in a small made-up lesson.
"""

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers import LESSONS, ROOT
from lesson_writing import (
    FIELD_TERMS,
    STUMBLING,
    built_names,
    dead_glossary_links,
    dead_references,
    declared_symbols,
    formulas,
    headings_of,
    links_to_lessons_without_target,
    missing_neighbours,
    names_by_lesson,
    sections,
    symbols,
    table_of_letters,
    unknown_symbols,
    unlinked_terms,
    wrong_words,
)
from page_reading import anchors, broken_links, entries, notation

# Letters of a single lesson that are those of every textbook, or that a figure or a table of the lesson explains.
LOCAL_LETTERS = {
    "01": {"x", r"\epsilon"},
    "03": {r"\alpha", r"\beta"},
    "05": {"W", "p", r"\Phi"},
    "11": {r"\alpha", r"\omega", "u", "p"},
    "12": {"p", "x_{CLS}", "x"},
    "13": {"s", "p"},
}
# Terms whose word is also ordinary English: a lesson links them where it means the term, which no test can tell.
ALSO_ENGLISH = {"generator", "head", "key", "split", "student", "teacher", "value"}
BUILDING = ("01", "02", "03", "04", "05")

GLOSSARY = (ROOT / "notebooks" / "GLOSSARY.md").read_text(encoding="utf-8")
LETTERS = table_of_letters(notation(GLOSSARY))
ALL = {name: nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in LESSONS}
SECTIONS = {name[:2]: sections(lesson) for name, lesson in ALL.items()}
HEADINGS = {f"{name}.ipynb": headings_of(lesson) for name, lesson in ALL.items()}
NANO = names_by_lesson((ROOT / "convbert_edu" / "nano.py").read_text(encoding="utf-8"))


@pytest.fixture(params=LESSONS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def lesson(name: str) -> NotebookNode:
    return ALL[name]


def made_up(*texts: str) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(text) for text in texts])


# Letters.


def test_every_letter_of_a_formula_is_in_the_notation_or_explained_in_the_lesson(name, lesson):
    assert unknown_symbols(lesson, LETTERS, LOCAL_LETTERS.get(name[:2], ())) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"P = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_h}}\right)", ["P", "Q", "K", "d_h"]),
        (r"E_{\text{pos}} + E_\mathrm{type}", ["E_{pos}", "E_{type}"]),
        (
            r"w_{t,j} = \text{softmax}(W_f (Q_t * K_{s,t}))_j",
            ["w", "t", "j", "W_f", "Q", "t", "K_s", "t", "j"],
        ),
        (r"\sum_{j=0}^{k-1} F_{c,j} X_{t+j-r,\,c}", "j k F c j X t j r c".split()),
        (r"P_{tj}", ["P", "t", "j"]),
        (r"\underbrace{4a(d+1)}_{\text{four matrices}} + \mathcal{L}", ["a", "d", r"\mathcal{L}"]),
        (r"\operatorname{Self\text{-}Attn}(Q) \in [B, n, a]", ["Q", "B", "n", "a"]),
        (r"h_{\text{hole}} + \hat{y} + b_1", ["h_{hole}", "y", "b"]),
    ],
)
def test_the_letters_of_a_formula_are_read(formula, expected):
    assert symbols(formula, LETTERS) == expected


def test_formulas_are_read_and_prices_and_code_are_not():
    text = "A film for $5 or $7. `$x$` and $a = 2$:\n\n$$\nb\n$$\n\n```python\n'$c$'\n```\n"
    assert [formula.strip() for formula in formulas(text)] == ["a = 2", "b"]


def test_a_letter_that_nobody_explains_is_found():
    assert unknown_symbols(made_up("With $d$ channels, $N$ heads and $D_h$ of each."), LETTERS) == ["D", "N"]
    assert unknown_symbols(made_up("With $d$ channels, $N$ heads."), LETTERS, {"N"}) == []
    assert unknown_symbols(made_up(r"$$\mathcal{L} = \zeta \, n$$"), LETTERS) == [r"\zeta"]


@pytest.mark.parametrize(
    "text",
    [
        "Here $p$ is the share of zeros.",
        "Here $x$ is a vector and $p_j$ the probability of $j$.",
        "Let $p$ be a number.",
    ],
)
def test_a_letter_may_be_explained_in_words(text):
    assert "p" in declared_symbols(text, LETTERS)
    assert unknown_symbols(made_up(text), LETTERS) == []


# Terms.


def test_every_link_into_the_glossary_leads_to_an_entry(lesson):
    assert dead_glossary_links(lesson, anchors(GLOSSARY)) == []


def test_every_term_is_linked_where_the_lesson_uses_it_first(lesson):
    assert unlinked_terms(lesson, entries(GLOSSARY), ALSO_ENGLISH) == []


def test_a_link_to_no_entry_is_found():
    text = "[token](GLOSSARY.md#token) and [maps](GLOSSARY.md#attention-maps)"
    assert dead_glossary_links(made_up(text), anchors(GLOSSARY)) == ["GLOSSARY.md#attention-maps"]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("A [token](GLOSSARY.md#token) is read. Tokens follow.", []),
        ("A token is read. A [token](GLOSSARY.md#token) follows.", ["token"]),
        ("All [Tokens](GLOSSARY.md#token) are read.", []),
        ("[Kernels](GLOSSARY.md#token) are small.", ["kernel"]),
        ("Queries come first.", ["query"]),
        ("A [dynamic convolution](GLOSSARY.md#dynamic-convolution) is new.", []),
        ("A span-based dynamic convolution is new.", ["span-based dynamic convolution"]),
        ("# Tokens\n\n`token`, $token$, [a token](01_tokens_and_embeddings.ipynb)\n\n```\ntoken\n```", []),
        ('The paper says "a token is a piece of a text that a model reads".', []),
        ('A word, or "token", is read.', ["token"]),
        ("| a token | in a table |\n\nThen a [token](GLOSSARY.md#token).", []),
        ("| [token](GLOSSARY.md#token) |\n| --- |\n\nTokens in a text.", []),
        ("Restart the kernel of the notebook.", []),
        ("The value of a split.", []),
    ],
)
def test_a_term_without_a_link_is_found(text, missing):
    terms = [
        "token",
        "kernel",
        "query",
        "convolution",
        "dynamic convolution",
        "span-based dynamic convolution",
    ]
    found = unlinked_terms(made_up(text), [*terms, "value", "split"], ALSO_ENGLISH)
    assert [line.partition(":")[0] for line in found] == missing


# Words.


def test_no_sentence_or_word_of_the_lists_is_left(lesson):
    assert wrong_words(lesson) == []


@pytest.mark.parametrize("sentence", STUMBLING)
def test_a_sentence_of_the_list_is_found_whatever_its_emphasis(sentence):
    first, _, rest = sentence.partition(" ")
    assert wrong_words(made_up(f"Before. *{first}*\n{rest}. After."))[0] == sentence
    assert wrong_words(made_up("A plain sentence about the model.")) == []


@pytest.mark.parametrize("wrong", FIELD_TERMS)
def test_a_word_that_the_field_does_not_use_is_found(wrong):
    assert wrong_words(made_up(f"Look at the **{wrong}s** here.")) == [f"{wrong} (say: {FIELD_TERMS[wrong]})"]
    assert wrong_words(made_up(f"`{wrong}`")) == []


def test_a_picture_may_introduce_a_term_once():
    once = "Picture the generator as a forger and the discriminator as a detective."
    assert wrong_words(made_up(once)) == []
    assert wrong_words(made_up(once, "The forger again.")) == ["forger, more than once"]


# References.


def test_every_lesson_and_section_that_is_named_exists(name, lesson):
    assert dead_references(lesson, name[:2], SECTIONS) == []
    assert links_to_lessons_without_target(lesson, HEADINGS) == []
    assert broken_links(ROOT / "notebooks" / f"{name}.ipynb") == []


def test_a_lesson_links_to_the_one_before_and_the_one_after(name, lesson):
    place = LESSONS.index(name)
    previous, following = (LESSONS[at] if 0 <= at < len(LESSONS) else None for at in (place - 1, place + 1))
    assert missing_neighbours(lesson, previous, following) == []


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("See lesson 07, section 3, and lesson 2.", []),
        ("See lesson 07, section 9.", ["lesson 07, section 9"]),
        ("See [lesson 07](07_seeing_inside.ipynb), sections 1 and 9.", None),
        ("See section 9 of lesson 07.", ["section 9 of lesson 07"]),
        ("As in lesson 16.", ["lesson 16"]),
        ("As in lessons 2, 7 and 40.", ["lessons 2, 7 and 40"]),
        ("See section 2.", []),
        ("See section 5.", ["section 5"]),
        ("See section 5 of the paper.", []),
        ("`lesson 99`", ["lesson 99"]),
    ],
)
def test_a_reference_to_what_does_not_exist_is_found(text, dead):
    found = dead_references(made_up(text), "02", {"02": {"1", "2"}, "07": {"1", "3"}})
    assert bool(found) if dead is None else found == dead


def test_the_sections_of_a_lesson_are_read_with_and_without_its_number():
    lesson = made_up("# 04 · Title\n\n## 1 · One\n\n## 4.2 Two\n\n### 9 · No\n\n## Summary")
    assert sections(lesson) == {"1", "4.2", "2"}


def test_a_link_to_a_lesson_or_a_place_that_does_not_exist_is_found():
    known = {"02_self_attention.ipynb": {"3 · The mask"}}
    good = "[a](02_self_attention.ipynb), [b](02_self_attention.ipynb#3-·-The-mask), [c](https://a.b/c.ipynb)"
    assert links_to_lessons_without_target(made_up(good), known) == []
    bad = "[a](02_attention.ipynb) and [b](02_self_attention.ipynb#no-such-place)"
    assert links_to_lessons_without_target(made_up(bad), known) == [
        "02_attention.ipynb",
        "02_self_attention.ipynb#no-such-place",
    ]


def test_a_lesson_without_its_neighbours_is_found():
    good = made_up("# T\n\n[before](01_a.ipynb)", "## 1 · A", "## Summary\n\n[next](03_c.ipynb)")
    assert missing_neighbours(good, "01_a", "03_c") == []
    assert missing_neighbours(good, None, None) == []
    late = made_up("# T", "## 1 · A\n\n[before](01_a.ipynb) [next](03_c.ipynb)", "## Summary")
    assert missing_neighbours(late, "01_a", "03_c") == [
        "01_a before the first section",
        "03_c in the last cell with text",
    ]


# Cells that build the model.


@pytest.mark.parametrize("number", BUILDING)
def test_every_class_of_nano_is_written_in_a_cell_that_builds(number):
    (written,) = (built_names(lesson) for name, lesson in ALL.items() if name.startswith(number))
    assert written == NANO[number]


def test_the_lessons_that_build_are_those_of_nano():
    assert tuple(NANO) == BUILDING
    assert "MixedAttention" in NANO["04"]


def test_the_classes_of_cells_that_build_are_found():
    source = "import torch\nclass A(B):\n    def f(self): ...\ndef g(): ..."
    builds = new_code_cell(source, metadata={"tags": ["build"]})
    assert built_names(new_notebook(cells=[builds, new_code_cell("class C: ...")])) == ["A", "g"]
    nano = "import torch\n# Written in lesson 01, section 3.\nclass A(B):\n    def f(self): ...\n\ndef g(): ...\n"
    assert names_by_lesson(nano) == {"01": ["A", "g"]}
