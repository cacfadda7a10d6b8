"""What the tests read in a Markdown page: its headings, links, entries, code with outputs, quoted messages."""

import re
import textwrap

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
    return [
        (textwrap.dedent(code), textwrap.dedent(output)) for _, code, output in CODE.findall(page)
    ]


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
