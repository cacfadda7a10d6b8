"""What the tests read in a Markdown page: its headings, links, entries, words, code with outputs, quoted messages."""

import contextlib
import io
import re
import textwrap
from pathlib import Path
from typing import Any

import nbformat

LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
CODE = re.compile(r"^( *)```python\n(.*?)^ *```\n(?:\n *```text\n(.*?)^ *```\n)?", re.MULTILINE | re.DOTALL)
# Sentences end before a space and a capital, a link, a formula or code.
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\[$`])")


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(page: str) -> set[str]:
    """All anchors of a page: of its headings, and those written as <a id="...">."""
    text = without_code(page)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {anchor(heading) for heading in headings} | set(re.findall(r'<a id="([^"]+)">', text))


def links(text: str) -> list[tuple[str, str]]:
    """The words and the target of each link, pictures left out."""
    return LINK.findall(without_code(text))


def without_code(text: str) -> str:
    """The text without blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def places(file: Path) -> set[str]:
    """What a link may name after "#" in a page, or in a notebook that JupyterLab shows: a heading or a cell.

    JupyterLab finds no heading with signs beyond ASCII that a link in Markdown names (its issue 12402).
    """
    if file.suffix != ".ipynb":
        return anchors(text_of(file))
    headings = re.findall(r"^#+ (.*)$", without_code(text_of(file)), flags=re.MULTILINE)
    cells = nbformat.read(file, as_version=4).cells
    return {heading.replace(" ", "-") for heading in headings if heading.isascii()} | {
        f"cell-id={cell.id}" for cell in cells
    }


def text_of(file: Path) -> str:
    """The text of a page, or of all Markdown cells of a notebook."""
    if file.suffix != ".ipynb":
        return file.read_text(encoding="utf-8")
    cells = nbformat.read(file, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def broken_links(path: Path) -> list[tuple[str, str]]:
    """The links of a page or notebook to files that do not exist, or to places that their file does not have."""
    broken = []
    for words_of_link, target in links(text_of(path)):
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (fragment and fragment not in places(file)):
            broken.append((words_of_link, target))
    return broken


def words(page: str) -> list[str]:
    """The words of a page that a reader sees in prose and tables, without code blocks, pictures and comments.

    Of a link only its own words count. A word is what stands between spaces and has a letter or a digit in it.
    """
    text = re.sub(r"<!--.*?-->|!\[[^\]]*\]\([^)]*\)", "", without_code(page), flags=re.DOTALL)
    return [word for word in LINK.sub(r"\1", text).split() if re.search(r"\w", word)]


def entries(glossary: str) -> dict[str, str]:
    """The terms of the glossary, each with its text."""
    parts = re.split(r"^### (.*)$", glossary.split("## Terms")[1], flags=re.MULTILINE)[1:]
    bodies = (re.sub(r'<a id="[^"]*"></a>', "", body).strip() for body in parts[1::2])
    return dict(zip(parts[0::2], bodies, strict=True))


def sentences(text: str) -> list[str]:
    """The sentences of a text; an abbreviated "et al." before a number ends none."""
    return SENTENCE_END.split(" ".join(text.split()))


def examples(page: str) -> list[tuple[str, str]]:
    """The blocks of code of a page, each with the output that stands below it ("" where none does)."""
    return [(textwrap.dedent(code), textwrap.dedent(output)) for _, code, output in CODE.findall(page)]


def wrong_outputs(page: str) -> list[tuple[str, str, str]]:
    """The snippets of a page, run one after the other, that do not print what stands below: code, printed, written."""
    variables: dict[str, Any] = {}
    wrong = []
    for code, written in examples(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, variables)
        if printed.getvalue() != written:
            wrong.append((code, printed.getvalue(), written))
    return wrong


def quoted_messages(page: str) -> list[list[str]]:
    """The messages quoted in a page ("> ..."), each as the pieces between its dots."""
    blocks = re.findall(r"(?:^> .*\n)+", page, flags=re.MULTILINE)
    texts = (" ".join(line.removeprefix("> ") for line in block.splitlines()) for block in blocks)
    return [[piece.strip() for piece in text.split("...") if piece.strip()] for text in texts]


def notation(glossary: str) -> list[str]:
    """The formulas in the first column of the tables of letters."""
    tables = glossary.split("## Notation")[1].split("## Terms")[0]
    cells = re.findall(r"^\| ([^|]*) \|", tables, flags=re.MULTILINE)
    return [formula for cell in cells for formula in re.findall(r"\$([^$]+)\$", cell)]
