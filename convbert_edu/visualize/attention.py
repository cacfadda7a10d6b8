"""Attention maps: which position (row) looks at which (column)."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.visualize.heat_map import draw_heat_map
from convbert_edu.visualize.labels import check_tokens, label_tokens
from convbert_edu.visualize.style import STYLE


def plot_attention(
    attention: Float[Tensor, "query key"] | Float[Tensor, "heads query key"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one attention map: row t shows how position t divides its attention over all positions.

    Of several heads the mean is drawn. Draws into `ax` where given, else into a new figure;
    returns the figure.
    Raises ValueError when the number of tokens differs from the number of rows or columns.
    """
    if attention.dim() == 3:
        title = title or f"Mean of {attention.shape[0]} heads"
        attention = attention.mean(dim=0)
    check_tokens(
        tokens, {"rows of attention": attention.shape[0], "columns of attention": attention.shape[1]}
    )
    with plt.rc_context(STYLE):
        if ax is None:
            side = min(max(3.5, 0.2 * len(tokens) + 1.5), 7.5)
            _, ax = plt.subplots(figsize=(side + 0.8, side))
        image = draw_heat_map(ax, attention, float(attention.detach().max()))
        ax.set(title=title or "Attention", xlabel="looked at (key)", ylabel="looking (query)")
        ax.figure.colorbar(image, ax=ax, shrink=0.8, label="weight")
        label_tokens(ax.yaxis, tokens)
        label_tokens(ax.xaxis, tokens)
        return ax.figure


def plot_attention_heads(
    attention: Float[Tensor, "heads query key"], tokens: Sequence[str], title: str | None = None
) -> Figure:
    """Draw the maps of all heads of one layer side by side, on one colour scale, and return the figure.

    Raises ValueError when the number of tokens differs from the number of rows or columns.
    """
    heads, rows, columns = attention.shape
    check_tokens(tokens, {"rows of attention": rows, "columns of attention": columns})
    across = min(4, heads)
    down = math.ceil(heads / across)
    with plt.rc_context(STYLE):
        side = min(max(2.2, 0.15 * len(tokens)), 10.0 / across)
        size = (side * across + 1.6, side * down + 1.3)
        fig, axes = plt.subplots(down, across, figsize=size, sharex=True, sharey=True, squeeze=False)
        for ax in axes.flat[heads:]:
            ax.remove()
        for number, ax in enumerate(axes.flat[:heads]):
            image = draw_heat_map(ax, attention[number], float(attention.detach().max()))
            ax.set_title(f"head {number}")
            lowest_in_its_column = number >= heads - across
            ax.tick_params(axis="x", rotation=90, labelbottom=lowest_in_its_column)
        fig.suptitle(title or "Attention, head by head")
        fig.supxlabel("looked at (key)")
        fig.supylabel("looking (query)")
        fig.colorbar(image, ax=axes.flat[:heads], shrink=0.8, label="weight")
        label_tokens(axes[0, 0].yaxis, tokens)  # the axes are shared: labelling one labels all
        label_tokens(axes[-1, 0].xaxis, tokens)
        return fig
