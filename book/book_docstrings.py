"""From the plain text of the package's docstrings to reStructuredText, which Sphinx reads."""

import inspect
import re
from collections.abc import Iterable
from fnmatch import fnmatch
from typing import Any

# "name: text" or "name, other: text" or "output_*: text".
ITEM = re.compile(r"([\w*]+(?:, [\w*]+)*): +(.*)")
CODE = re.compile(r"`+([^`]+)`+")


def to_rst(lines: Iterable[str], thing: Any = None) -> list[str]:
    """Convert the lines of a docstring.

    thing: the class or function that it belongs to; a line that begins with the name of one of its parameters, or of
        a field, becomes an item of a list
    A block of indented lines, such as a formula over several lines, is shown as it is.
    """
    names = _names_of(thing)
    blocks: list[tuple[str, list[str]]] = []
    for paragraph in "\n".join(lines).split("\n\n"):
        blocks += _blocks(paragraph.strip("\n").splitlines(), names)
    result: list[str] = []
    for kind, texts in blocks:
        if kind == "text":
            result += [*map(_escaped, texts), ""]
        elif kind == "item":
            words, *rest = texts
            name, words = words.split(": ", 1)
            result += [f"* ``{name}``: {_escaped(words)}", *(f"  {_escaped(text)}" for text in rest), ""]
        elif kind == "formula":
            result += [".. code-block:: text", "", *(f"    {text}" for text in texts), ""]
    return result


def _blocks(lines: list[str], names: set[str]) -> list[tuple[str, list[str]]]:
    """Return the parts of a paragraph: text, items and formulas, each with its lines."""
    # Lines that are set under each other by spaces are a formula or a table.
    if any(re.search(r"\S {3,}\S", line) for line in lines) and not any(
        _is_item(line, names) for line in lines
    ):
        return [("formula", lines)]
    blocks: list[tuple[str, list[str]]] = []
    for line in lines:
        before = blocks[-1][0] if blocks else ""
        indented = line.startswith(" ")
        if _is_item(line, names):
            blocks.append(("item", [line]))
        elif indented and before in ("item", "formula"):
            blocks[-1][1].append(line.strip() if before == "item" else line)
        elif indented:
            blocks.append(("formula", [line]))
        elif before == "text":
            blocks[-1][1].append(line)
        else:
            blocks.append(("text", [line]))
    return blocks


def _is_item(line: str, names: set[str]) -> bool:
    """Say whether a line begins with the name of a parameter or field, or with several."""
    item = ITEM.fullmatch(line)
    return bool(item) and all(any(fnmatch(name, wanted) for name in names) for wanted in item[1].split(", "))


def _names_of(thing: Any) -> set[str]:
    """Return the names of parameters and fields of a function or class."""
    if thing is None:
        return set()
    try:
        names = set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        names = set()
    for each in getattr(thing, "__mro__", ()):
        names |= set(vars(each).get("__annotations__", {}))
    return names


def _escaped(text: str) -> str:
    """Return a text in which only code is marked, with everything escaped that the markup would take for its own."""
    parts = []
    place = 0
    for code in CODE.finditer(text):
        parts.append(_plain(text[place : code.start()]))
        # Marked text must not touch a letter.
        before = "\\ " if re.search(r"\w$", text[: code.start()]) else ""
        after = "\\ " if re.match(r"\w", text[code.end() :]) else ""
        parts.append(f"{before}``{code[1].strip()}``{after}")
        place = code.end()
    return "".join([*parts, _plain(text[place:])])


def _plain(text: str) -> str:
    return re.sub(r"([\\*|`]|_(?!\w))", r"\\\1", text)
