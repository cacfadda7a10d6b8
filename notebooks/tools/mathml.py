"""Equations as MathML, which browsers draw by themselves: no script, no network."""

import xml.etree.ElementTree

from latex2mathml.converter import convert

SPACE = "http://www.w3.org/1998/Math/MathML"
xml.etree.ElementTree.register_namespace("", SPACE)
# Functions that are often written without brackets: "ln 2" must not look like one word.
FUNCTIONS = {"ln", "log", "sin", "cos", "tanh", "min", "max"}


def to_mathml(latex: str, display: str) -> str:
    """Convert one equation; `display` is "inline" or "block".

    Raises ValueError, quoting the equation, when it uses something that cannot be drawn this way.
    """
    advice = "write it with simpler commands (align* instead of aligned, \\text instead of \\texttt)"
    try:
        mathml = convert(latex, display=display)
        tree = xml.etree.ElementTree.fromstring(mathml)
        shown = "".join(tree.itertext())
    except Exception as error:  # the converter raises a different class for each kind of mistake
        raise ValueError(f"equation {latex!r} cannot be drawn: {error!r}; {advice}") from error
    if "\\" in shown:
        raise ValueError(f"equation {latex!r} would be drawn as {shown!r}: a command is unknown; {advice}")
    for element in list(tree.iter()):
        _set_functions_apart(element)
    return xml.etree.ElementTree.tostring(tree, encoding="unicode")


def _set_functions_apart(row: xml.etree.ElementTree.Element) -> None:
    """Put a thin space beside the functions of a row, where a letter or a number follows or comes before."""
    if not row.tag.endswith(("}mrow", "}math", "}mtd")):
        return
    for place in range(len(row) - 1, 0, -1):
        before, after = row[place - 1], row[place]
        if (_is_function(before) and _is_name(after)) or (_is_name(before) and _is_function(after)):
            row.insert(place, xml.etree.ElementTree.Element(f"{{{SPACE}}}mspace", {"width": "0.17em"}))


def _is_function(element: xml.etree.ElementTree.Element) -> bool:
    """Return whether an element is the name of a function, or one with an index such as log_2."""
    return (element.text or "") in FUNCTIONS or (len(element) > 0 and (element[0].text or "") in FUNCTIONS)


def _is_name(element: xml.etree.ElementTree.Element) -> bool:
    """Return whether an element is a letter, a number, or one of these with indices or under a root."""
    return element.tag.endswith(("}mi", "}mn", "}msub", "}msup", "}msubsup", "}msqrt", "}mfrac"))
