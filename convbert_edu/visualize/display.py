"""Showing figures and source code in a notebook so that everyone can read them: all lessons, from 00 on, use `show`.

Each figure of this package carries a description in words, written from the numbers that it draws. At the end stands
the one figure that lessons 00 to 08 share: the map of the whole model, on which each lesson marks its part.
"""

import html
import inspect
import io
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from convbert_edu.visualize.style import STYLE, axes_for, figure_of, part_colour

PACKAGE_FOLDER = Path(__file__).parent.parent
# Tokens that are read out one by one.
LONGEST_LIST = 12


def show(fig: Figure, alt: str | None = None) -> None:
    """Show a figure once, as an opaque PNG, with `alt` as its description in words; then close it.

    A figure of this package brings its own description (see `describe`), which stands where no `alt` is given.

    The description is stored with the picture for programs that read alternative texts, and stands folded up
    below it for everyone else, because JupyterLab drops alternative texts of pictures made by code.
    Outside a notebook only the figure is closed. Raises ValueError when `alt` is empty, or missing and nobody knows
    what the figure shows.
    """
    if alt is None:
        alt = describe(fig)
    if not alt.strip():
        raise ValueError(
            f"alt is {alt!r}; describe in a sentence what the figure shows, for those who cannot see it"
        )
    if _in_notebook():
        from IPython.display import HTML, display

        buffer = io.BytesIO()
        fig.savefig(buffer, format="png", facecolor="white", transparent=False, bbox_inches="tight")
        picture = {"image/png": b64encode(buffer.getvalue()).decode("ascii"), "text/plain": alt}
        display(picture, raw=True, metadata={"image/png": {"alt": alt}})
        display(HTML(f"<details><summary>The figure in words</summary>{html.escape(alt)}</details>"))
    # Otherwise the notebook would show it a second time at the end of the cell.
    plt.close(fig)


def image_tag(picture: str, description: str, style: str) -> str:
    """Return the HTML tag of a PNG file that stands in the page itself, as base64, with its description."""
    return f'<img src="data:image/png;base64,{picture}" alt="{html.escape(description)}" style="{style}">'


def describe(fig: Figure) -> str:
    """Return a figure in words, for those who cannot see it: what is drawn, and the numbers that stand out.

    Raises ValueError for a figure that was not drawn by this package.
    """
    texts = [getattr(ax, "convbert_description", "") for ax in fig.axes]
    if not any(texts):
        raise ValueError(
            "this figure was not drawn by convbert_edu.visualize, so nobody knows what it shows; describe it "
            'yourself: show(fig, alt="...")'
        )
    return " ".join(text for text in texts if text)


def write_description(ax: Axes, text: str) -> None:
    """Keep `text` as the description of what is drawn in `ax`."""
    ax.convbert_description = text


def read_out(tokens: Sequence[str]) -> str:
    """Return tokens as a phrase: all of a short sentence, the beginning and the end of a long one."""
    if len(tokens) <= LONGEST_LIST:
        return f"{len(tokens)} {'token' if len(tokens) == 1 else 'tokens'} ({' '.join(tokens)})"
    return f"{len(tokens)} tokens ({' '.join(tokens[:4])} ... {' '.join(tokens[-2:])})"


def show_source(thing: type | Callable) -> None:
    """Show the source of a class or function of this package under the name of its file.

    Shown, not pasted: the lesson cannot drift away from the package. Outside a notebook it is printed.
    Raises ValueError when `thing` is not defined in this package.
    """
    thing = inspect.unwrap(thing)
    path = Path(inspect.getsourcefile(thing) or "")
    if PACKAGE_FOLDER not in path.parents:
        raise ValueError(f"{thing!r} is not defined in convbert_edu; give a class or function of the package")
    name = f"convbert_edu/{path.relative_to(PACKAGE_FOLDER).as_posix()}"
    source = inspect.getsource(thing).rstrip()
    if _in_notebook():
        from IPython.display import display

        shown = {
            "text/markdown": f"`{name}`\n\n```python\n{source}\n```",
            "text/plain": f"{name}\n\n{source}",
        }
        display(shown, raw=True)
    else:
        print(f"{name}\n\n{source}")


def _in_notebook() -> bool:
    """Say whether IPython runs this code, without importing IPython where it does not."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


# The map of the model. Places are points of a picture of 700 x 260, counted from the lower left corner.


class MapPart(NamedTuple):
    """A part of the model that a lesson can mark: its box, and where "you are here" is written."""

    words: str
    # left, bottom, width, height
    box: tuple[int, int, int, int]
    colour: str
    sign: tuple[int, int]
    # What a reader who is here also sees: parts inside this one.
    holds: tuple[str, ...] = ()


MAP_PARTS = {
    "tokens": MapPart("tokens", (1, 184, 88, 36), "embedding", (45, 233)),
    "embeddings": MapPart("embeddings", (1, 102, 88, 36), "embedding", (45, 88)),
    "self_attention": MapPart("self-attention\n[B, h, n, n]", (234, 150, 100, 42), "attention", (284, 137)),
    "convolution": MapPart("convolution\n[B, n, h, k]", (234, 48, 100, 42), "convolution", (284, 102)),
    "mixed_attention": MapPart(
        "mixed attention", (153, 34, 299, 186), "query", (330, 206), ("self_attention", "convolution")
    ),
    "feed_forward": MapPart("feed-forward", (503, 70, 26, 100), "feed_forward", (516, 183)),
    "encoder": MapPart(
        "encoder: L layers",
        (140, 8, 446, 244),
        "embedding",
        (330, 238),
        ("mixed_attention", "self_attention", "convolution", "feed_forward"),
    ),
    "head": MapPart("head", (642, 102, 50, 36), "embedding", (652, 88)),
}
# Boxes that belong to a part and cannot be marked alone: they are pale where it is.
MAP_DETAILS = (
    ("mixed_attention", "query Q\n[B, n, a]", (166, 101, 58, 38)),
    ("mixed_attention", "concat", (362, 108, 46, 24)),
    ("mixed_attention", "$W_O$", (420, 108, 25, 24)),
    ("encoder", "add & norm", (466, 70, 24, 100)),
    ("encoder", "add & norm", (542, 70, 24, 100)),
)
# Arrows from corner to corner, each with the parts that it touches: it is pale where all of them are.
MAP_ARROWS = (
    (("tokens", "embeddings"), ((45, 184), (45, 138))),
    (("embeddings", "encoder"), ((89, 120), (166, 120))),
    (("self_attention",), ((160, 120), (160, 183), (234, 183))),
    (("convolution",), ((160, 120), (160, 57), (234, 57))),
    (("self_attention",), ((195, 139), (195, 159), (234, 159))),
    (("convolution",), ((195, 101), (195, 81), (234, 81))),
    (("self_attention",), ((334, 171), (385, 171), (385, 132))),
    (("convolution",), ((334, 69), (385, 69), (385, 108))),
    (("mixed_attention",), ((408, 120), (420, 120))),
    (("mixed_attention",), ((445, 120), (466, 120))),
    (("feed_forward",), ((490, 120), (503, 120))),
    (("feed_forward",), ((529, 120), (542, 120))),
    # The two residual connections.
    (("encoder",), ((147, 120), (147, 21), (478, 21), (478, 70))),
    (("encoder",), ((496, 120), (496, 44), (554, 44), (554, 70))),
    (("encoder", "head"), ((566, 120), (642, 120))),
    (("head",), ((667, 138), (667, 184))),
)
# Shapes of what the arrows carry, each with the parts that it belongs to.
MAP_SHAPES = (
    (("tokens", "embeddings"), "[B, n]", (66, 161)),
    (("embeddings", "encoder"), "[B, n, d]", (114, 134)),
    (("self_attention",), "[B, n, a]", (360, 181)),
    (("convolution",), "[B, n, a]", (360, 59)),
    (("mixed_attention",), "[B, n, 2a]", (418, 143)),
    (("encoder", "head"), "[B, n, d]", (614, 134)),
    (("head",), "logits\n[B, n, v]", (667, 203)),
)
MAP_IN_WORDS = (
    "Tokens [B, n] become embeddings [B, n, d]. They go through an encoder of L layers. In each layer, mixed attention "
    "computes one query Q [B, n, a] for two branches that stand side by side: self-attention, with an attention map "
    "[B, h, n, n], and convolution, with kernels [B, n, h, k]. The outputs of both branches, [B, n, a] each, are "
    "concatenated to [B, n, 2a] and multiplied by W_O. Add and norm, a feed-forward network, and add and norm again "
    "follow; the result is [B, n, d]. A head turns the last layer's output into logits [B, n, v]."
)


def show_model_map(here: str | None = None) -> None:
    """Show the map of the whole model with "you are here" at the part that the lesson is about, described in words.

    here: see `plot_model_map`, which draws it
    """
    show(plot_model_map(here))


@rc_context(STYLE)
def plot_model_map(here: str | None = None, ax: Axes | None = None) -> Figure:
    """Draw the whole model from tokens to logits, with the shapes of what flows; the part `here` stands out.

    here: "tokens", "embeddings", "self_attention", "convolution", "mixed_attention", "feed_forward", "encoder" or
    "head"; None marks nothing. With `ax` the map is drawn there. Returns the figure.
    Raises ValueError for another part.
    """
    if here is not None and here not in MAP_PARTS:
        raise ValueError(f"here is {here!r}, which the map does not show; choose one of {sorted(MAP_PARTS)} or None")
    ax = axes_for(ax, (6.2, 2.3))
    figure = figure_of(ax)
    ax.set(xlim=(0, 700), ylim=(0, 260), xticks=(), yticks=())
    ax.set_axis_off()
    # What is not pale.
    clear = set(MAP_PARTS) if here is None else {here, *MAP_PARTS[here].holds}
    # Frames first: what they hold is drawn over them.
    for name, part in sorted(MAP_PARTS.items(), key=lambda item: -item[1].box[3]):
        _draw_part(ax, part, name in clear, marked=name == here)
    for owner, words, box in MAP_DETAILS:
        _draw_box(ax, words, box, part_colour("embedding"), owner in clear)
    for touched, corners in MAP_ARROWS:
        _draw_arrow(ax, corners, not clear.isdisjoint(touched))
    for touched, shape, place in MAP_SHAPES:
        _write(ax, shape, place, not clear.isdisjoint(touched))
    where = "" if here is None else f' "You are here" marks: {MAP_PARTS[here].words.splitlines()[0]}.'
    write_description(ax, f"A map of ConvBERT.{where} {MAP_IN_WORDS}")
    return figure


def _draw_part(ax: Axes, part: MapPart, clear: bool, marked: bool) -> None:
    """Draw the box of a part; where it is marked, thick, bold and in its colour."""
    left, bottom, _, height = part.box
    frame = height > 150
    _draw_box(ax, "" if frame else part.words, part.box, part_colour(part.colour), clear, marked)
    if frame:
        style = {"ha": "left", "weight": "bold" if marked else "normal"}
        _write(ax, part.words, (left + 8, bottom + height - 14), clear, **style)
    if marked:
        _write(ax, "you are here", part.sign, weight="bold", style="italic")


def _draw_box(
    ax: Axes, words: str, box: tuple[int, int, int, int], colour: str, clear: bool, marked: bool = False
) -> None:
    """Draw a rounded box, pale where it is not `clear`, with `words` in its middle."""
    left, bottom, width, height = box
    # How much white is mixed into the colour of the edge and of the area.
    edge, area = (0.0, 0.82) if marked else (0.2, 0.92) if clear else (0.7, 1.0)
    edge_colour = colour
    if colour == part_colour("feed_forward"):
        # Yellow is too light for an edge, and for an area that is mostly white.
        edge_colour, area = part_colour("embedding"), 0.5 * area if clear else 1.0
    patch = FancyBboxPatch((left, bottom), width, height, boxstyle="round,pad=0,rounding_size=5")
    patch.set(edgecolor=_lighter(edge_colour, edge), facecolor=_lighter(colour, area))
    patch.set_linewidth(2.6 if marked else 1.0)
    ax.add_patch(patch)
    middle = (left + width / 2, bottom + height / 2)
    upright = "vertical" if height > 2 * width else "horizontal"
    # Bold letters are wider, and the box stays.
    bold = {"weight": "bold", "fontsize": 7.5} if marked else {}
    _write(ax, words, middle, clear, rotation=upright, **bold)


def _draw_arrow(ax: Axes, corners: tuple[tuple[int, int], ...], clear: bool) -> None:
    """Draw a line through the corners, with an arrow's head at the last one."""
    colour = "0.35" if clear else "0.7"
    ax.plot(*zip(*corners[:-1], strict=True), color=colour, linewidth=1.0, solid_joinstyle="round")
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    ax.annotate("", corners[-1], corners[-2], arrowprops=style)


def _write(ax: Axes, words: str, place: tuple[int | float, int | float], clear: bool = True, **options: Any) -> None:
    """Write words around a place; pale ones still stand out enough to be read (WCAG asks for 4.5 to 1)."""
    colour = "black" if clear else "0.45"
    ax.text(*place, words, **({"ha": "center", "va": "center", "fontsize": 8, "color": colour} | options))


def _lighter(colour: str, white: float) -> tuple[float, ...]:
    """Mix a colour with white; `white` is the share of white, from 0 to 1."""
    return tuple(share + (1 - share) * white for share in to_rgb(colour))
