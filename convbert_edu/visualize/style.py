"""How every figure looks and where it is drawn: fonts, colours, axes, and tables of weights as colours.

All lessons, from 00 on, call `use_style` and `part_colour`; the figure functions of this folder use the rest.
"""

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from cycler import cycler
from jaxtyping import Float
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.image import AxesImage
from torch import Tensor

# matplotlib brings DejaVu Sans along, which has Latin, Greek, Cyrillic, Hebrew and Arabic letters, but no Chinese,
# Japanese or Korean. These are the usual fonts that have; those that are installed are used.
BUNDLED = "DejaVu Sans"
OTHERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
STAND_IN = "\N{WHITE SQUARE}"


@functools.cache
def families() -> list[str]:
    """Return the fonts that figures are drawn with, each where the one before lacks a letter."""
    installed = set(fontManager.get_font_names())
    return [BUNDLED, *(name for name in OTHERS if name in installed)]


def drawable(texts: Sequence[str]) -> list[str]:
    """Return the texts with a square in place of each character that no font here can draw; warn once if any.

    A dollar sign is drawn as such: it does not start a formula.
    """
    missing = sorted({character for text in texts for character in text if not _can_draw(character)})
    if missing:
        warnings.warn(
            f"no font here can draw {' '.join(missing[:5])}: squares stand in their places. Install a font that can, "
            "such as Noto Sans CJK (Debian: fonts-noto-cjk), and start Python again",
            stacklevel=2,
        )
    table = {ord(character): STAND_IN for character in missing} | {ord("$"): r"\$"}
    return [text.translate(table) for text in texts]


@functools.cache
def _letters() -> frozenset[int]:
    """The code points that the fonts in `families` can draw."""
    charmaps = [get_font(findfont(FontProperties(family=name))).get_charmap() for name in families()]
    return frozenset().union(*charmaps)


def _can_draw(character: str) -> bool:
    return character.isspace() or ord(character) in _letters()


# Each part of the model keeps its colour from lesson to lesson.
# The palette of Okabe and Ito (2008), which stays apart for all common kinds of colour blindness, and a dark grey.
# The attention branch is blue and green, the convolution branch orange and red;
# the query, which both share, is dark blue.
PART_COLOURS = {
    "query": "#0072B2",
    "key": "#56B4E9",
    "attention": "#009E73",
    "span_key": "#E69F00",
    "kernel": "#CC79A7",
    "convolution": "#D55E00",
    "value": "#000000",
    # Too light for a thin line on white: it is for areas with a dark edge.
    "feed_forward": "#F0E442",
    "embedding": "#555555",
}

# From nothing (white) to much: attention weights, kernel weights, counts.
SEQUENTIAL_MAP = "Blues"
# From minus (orange) over zero (white) to plus (purple): differences, scores.
DIVERGING_MAP = "PuOr"

STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    # A transparent figure vanishes on a dark page.
    "savefig.transparent": False,
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.family": families(),
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.cmap": SEQUENTIAL_MAP,
    "axes.prop_cycle": cycler(
        color=[colour for part, colour in PART_COLOURS.items() if part != "feed_forward"]
    ),
}


def use_style() -> None:
    """Give all figures made from here on the look of the course: opaque white, readable, 110 dots an inch."""
    rcParams.update(STYLE)


def part_colour(part: str) -> str:
    """Return the colour, as "#RRGGBB", of a part of the model such as "query" or "kernel".

    Raises ValueError for an unknown part.
    """
    if part not in PART_COLOURS:
        raise ValueError(f"part {part!r} has no colour; choose one of {sorted(PART_COLOURS)}")
    return PART_COLOURS[part]


# A figure function draws into a new figure, or in the place of the axes that it was given.


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of `size` inches that nobody else knows: it goes when its last name goes.

    (pyplot keeps a list of all figures that it made, until they are closed.)
    """
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or axes in a new figure of `size` inches."""
    return ax if ax is not None else new_figure(size).add_subplot()


def panels_for(
    ax: Axes | None, rows: int, columns: int, size: tuple[float, float], **options: Any
) -> np.ndarray:
    """Return rows x columns axes, in a new figure of `size` inches or in the place of `ax`, which is removed.

    options: of matplotlib's `subplots`, such as sharex
    Raises ValueError where `ax` is not part of a grid.
    """
    if ax is None:
        return new_figure(size).subplots(rows, columns, squeeze=False, **options)
    cell = ax.get_subplotspec()
    if cell is None:
        raise ValueError(
            "ax stands free in its figure, so it cannot be divided; give one that subplots() made"
        )
    ax.remove()
    return cell.subgridspec(rows, columns).subplots(squeeze=False, **options)


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that `ax` is part of."""
    return ax.get_figure(root=True)


# The one way in which tables of weights are drawn as colours.


def draw_heat_map(ax: Axes, weights: Float[Tensor, "row column"], largest: float) -> AxesImage:
    """Draw weights of at least 0: white is nothing, the darkest blue is `largest`."""
    array = weights.detach().cpu().float().numpy()
    # "auto" draws sharp squares, and blends them only where there are more of them than dots on the screen.
    return ax.imshow(array, cmap=SEQUENTIAL_MAP, vmin=0, vmax=largest, aspect="auto", interpolation="auto")


def draw_mosaic(ax: Axes, tables: Float[Tensor, "layer head row column"], largest: float) -> AxesImage:
    """Draw a table for each layer (downwards) and head (to the right), on one scale, with lines between them.

    One picture in one axes: a grid of 144 axes would take seconds to draw.
    """
    layers, heads, rows, columns = tables.shape
    image = draw_heat_map(ax, tables.transpose(1, 2).reshape(layers * rows, heads * columns), largest)
    for layer in range(1, layers):
        ax.axhline(layer * rows - 0.5, color="0.4", linewidth=1.5)
    for head in range(1, heads):
        ax.axvline(head * columns - 0.5, color="0.4", linewidth=1.5)
    # Which head: above. Which layer: on the right. The two other sides are free for what rows and columns are.
    above, right = ax.secondary_xaxis("top"), ax.secondary_yaxis("right")
    above.set_xticks([(head + 0.5) * columns - 0.5 for head in range(heads)], range(heads))
    right.set_yticks([(layer + 0.5) * rows - 0.5 for layer in range(layers)], range(layers))
    above.set_xlabel("head")
    right.set_ylabel("layer")
    for axis in (above, right):
        axis.tick_params(length=0)
    ax.spines[["top", "right"]].set_visible(True)
    return image
