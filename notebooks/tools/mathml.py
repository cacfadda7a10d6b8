"""Equations as MathML, which browsers draw by themselves: no script, no network."""

import xml.etree.ElementTree

from latex2mathml.converter import convert


def to_mathml(latex: str, display: str) -> str:
    """Convert one equation; `display` is "inline" or "block".

    Raises ValueError, quoting the equation, when it uses something that cannot be drawn this way.
    """
    advice = "write it with simpler commands (align* instead of aligned, \\text instead of \\texttt)"
    try:
        mathml = convert(latex, display=display)
        shown = "".join(xml.etree.ElementTree.fromstring(mathml).itertext())
    except Exception as error:  # the converter raises a different class for each kind of mistake
        raise ValueError(f"equation {latex!r} cannot be drawn: {error!r}; {advice}") from error
    if "\\" in shown:
        raise ValueError(f"equation {latex!r} would be drawn as {shown!r}: a command is unknown; {advice}")
    return mathml
