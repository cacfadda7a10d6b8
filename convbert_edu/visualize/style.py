"""One look for every figure of the course: each part of the model keeps its colour from lesson to lesson."""

from cycler import cycler
from matplotlib import rcParams

from convbert_edu.visualize.fonts import families

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
    "feed_forward": "#F0E442",  # too light for a thin line on white: use it for areas with a dark edge
    "embedding": "#555555",
}

SEQUENTIAL_MAP = "Blues"  # from nothing (white) to much: attention weights, kernel weights, counts
DIVERGING_MAP = "PuOr"  # from minus (orange) over zero (white) to plus (purple): differences, scores

STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.transparent": False,  # a transparent figure vanishes on a dark page
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
    "axes.prop_cycle": cycler(color=[c for part, c in PART_COLOURS.items() if part != "feed_forward"]),
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
