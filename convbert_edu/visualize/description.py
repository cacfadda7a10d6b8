"""The alternative text of a figure: written by whoever draws it, from the numbers that it draws."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

LONGEST_LIST = 12  # words that are read out one by one


def write_description(ax: Axes, text: str) -> None:
    """Keep `text` as the description of what is drawn in `ax`."""
    ax.convbert_description = text


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


def read_out(tokens: Sequence[str]) -> str:
    """Return tokens as a phrase: all of a short sentence, the beginning and the end of a long one."""
    if len(tokens) <= LONGEST_LIST:
        return f"{len(tokens)} {'token' if len(tokens) == 1 else 'tokens'} ({' '.join(tokens)})"
    return f"{len(tokens)} tokens ({' '.join(tokens[:4])} ... {' '.join(tokens[-2:])})"
