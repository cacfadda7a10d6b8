"""A sentence whose tokens are coloured by a score or a label, as a piece of a web page.

Lessons 08 and 13 colour by a score, lessons 10 and 11 by a label.
"""

import html
from collections.abc import Sequence

from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb
from torch import Tensor

from convbert_edu.visualize.labels import check_tokens
from convbert_edu.visualize.style import DIVERGING_MAP, SEQUENTIAL_MAP

# Light colours of Okabe and Ito for labels, each with room for black letters.
LABEL_COLOURS = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442", "#7FD6B9", "#BBBBBB")

# White with black letters, whatever the page around it looks like: so it can be read in the light and the dark theme.
CARD = "background:#ffffff;color:#000000;padding:0.5em 0.7em;border:1px solid #bbbbbb;line-height:2.1"


class ColouredTokens:
    """A sentence in colours: shown by a notebook at the end of a cell; `str` gives it in plain letters."""

    def __init__(self, title: str, pieces: list[str], text: str) -> None:
        self.title, self.pieces, self.text = title, pieces, text

    def _repr_html_(self) -> str:
        title = f"<div><b>{html.escape(self.title)}</b></div>" if self.title else ""
        # dir="auto": a sentence in a script that runs from right to left is set from right to left.
        return f'<div style="{CARD}">{title}<div dir="auto">{" ".join(self.pieces)}</div></div>'

    def __str__(self) -> str:
        return f"{self.title}: {self.text}" if self.title else self.text

    __repr__ = __str__


def colour_tokens(
    scores: Float[Tensor, " seq"], tokens: Sequence[str], title: str = "", largest: float | None = None
) -> ColouredTokens:
    """Colour each token by its score: the darker the stronger, orange below zero, each number in its tooltip.

    For probabilities (replaced or not, start of the answer, end of the answer) and for saliency.
    largest: the score of the darkest colour; the largest there is, if left out
    Raises ValueError where tokens and scores differ in number.
    """
    check_tokens(tokens, {"scores": scores.shape[0]})
    numbers = scores.detach().cpu().float().tolist()
    largest = largest or max(map(abs, numbers)) or 1.0
    signed = min(numbers) < 0
    pieces = [
        _piece(token, background_colour(number / largest, signed), f"{number:.3g}")
        for token, number in zip(tokens, numbers, strict=True)
    ]
    text = " ".join(f"{token} ({number:.2g})" for token, number in zip(tokens, numbers, strict=True))
    return ColouredTokens(title, pieces, text)


def label_spans(labels: Sequence[str], tokens: Sequence[str], title: str = "") -> ColouredTokens:
    """Colour each token by its label and write the label beside it; an empty label or "O" leaves it white.

    For entity labels and for answers.
    Raises ValueError where tokens and labels differ in number.
    """
    check_tokens(tokens, {"labels": len(labels)})
    kinds = sorted({label for label in labels if label not in ("", "O")})
    colours = {kind: LABEL_COLOURS[number % len(LABEL_COLOURS)] for number, kind in enumerate(kinds)}
    pieces, words = [], []
    for token, label in zip(tokens, labels, strict=True):
        marked = label in colours
        name = f' <small style="font-size:75%">{html.escape(label)}</small>' if marked else ""
        pieces.append(_piece(token, colours.get(label, "#ffffff"), label, name))
        words.append(f"{token} [{label}]" if marked else token)
    return ColouredTokens(title, pieces, " ".join(words))


def background_colour(share: float, signed: bool = False) -> str:
    """Return the colour of a score from -1 to 1 as "#rrggbb"."""
    share = max(-1.0, min(1.0, share))
    if signed:
        return to_hex(colormaps[DIVERGING_MAP]((share + 1) / 2))
    return to_hex(colormaps[SEQUENTIAL_MAP](share))


def letter_colour(background: str) -> str:
    """Return black or white, whichever stands out more on `background`."""
    light = _luminance(background)
    return "#000000" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "#ffffff"


def _luminance(colour: str) -> float:
    """The relative luminance of a colour, as web pages are judged by (WCAG 2)."""
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in to_rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _piece(token: str, background: str, tooltip: str, after: str = "") -> str:
    style = f"background:{background};color:{letter_colour(background)};padding:0.15em 0.25em;border-radius:0.25em"
    return f'<bdi style="{style}" title="{html.escape(tooltip)}">{html.escape(token)}{after}</bdi>'
