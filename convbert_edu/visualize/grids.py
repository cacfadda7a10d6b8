"""All layers and heads at a glance: a grid of attention maps, a grid of kernels, one number for each head.

Lesson 07 draws all three.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.analysis.locality import attended_distance, kernel_centre, kernel_entropy
from convbert_edu.models.outputs import ModelOutput
from convbert_edu.visualize.display import read_out, write_description
from convbert_edu.visualize.kernels import offsets
from convbert_edu.visualize.labels import check_tokens, label_tokens, pick_layers
from convbert_edu.visualize.style import (
    STYLE,
    axes_for,
    draw_heat_map,
    draw_mosaic,
    figure_of,
    panels_for,
)

# This share of the weights is told apart by colour; the rest is as dark as can be.
DARKEST = 0.995
# In points: a grid has room for small letters only.
SMALL = 7
# From this share of the largest number on, a cell is so dark that its number is written in white.
WHITE_LETTERS = 0.55


@rc_context(STYLE)
def plot_attention_grid(
    attentions: ModelOutput | Float[Tensor, "layers heads query key"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
    index: int | None = None,
) -> Figure:
    """Draw the attention maps of all layers (downwards) and heads (to the right), on one colour scale.

    The scale ends where 1 weight of 200 is larger, so that the few largest do not make all others pale.
    In each map rows look at columns, from the first token to the last. The tokens stand on the left and below, as many
    of them as there is room for. `index` says which sentence of a batch.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and positions differ in number, and for a result without attentions.
    """
    maps = pick_layers(attentions, "attentions", index)
    check_tokens(tokens, {"rows of attention": maps.shape[2], "columns of attention": maps.shape[3]})
    title = title or f"Attention of all heads, {len(tokens)} tokens"
    ax = _draw_grid(maps, ax, title, across=1.8, down=1.8)
    ax.set(xlabel="looked at (key)", ylabel="looking (query)")
    label_tokens(ax.xaxis, tokens, maps.shape[1], SMALL)
    label_tokens(ax.yaxis, tokens, maps.shape[0], SMALL)
    distances = attended_distance(maps).mean(dim=-1)
    write_description(
        ax,
        f"{title}: a map for each of {maps.shape[0]} layers and {maps.shape[1]} heads over {read_out(tokens)}. "
        + _extremes(distances, "looks furthest, {:.1f} tokens on average", "looks nearest, {:.1f}"),
    )
    return figure_of(ax)


@rc_context(STYLE)
def plot_kernels_grid(
    kernels: ModelOutput | Float[Tensor, "layers heads seq kernel"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
    index: int | None = None,
) -> Figure:
    """Draw the kernels of all layers (downwards) and heads (to the right), on one colour scale.

    The scale ends where 1 weight of 200 is larger.
    In each table rows are tokens and columns offsets, the token itself in the middle: 0. `index` says which sentence.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and kernels differ in number, and for a result without kernels.
    """
    tables = pick_layers(kernels, "conv_kernels", index)
    check_tokens(tokens, {"kernels": tables.shape[2]})
    title = title or f"Kernels of all heads, {len(tokens)} tokens"
    ax = _draw_grid(tables, ax, title, across=1.2, down=1.7)
    ax.set(xlabel="offset from the token", ylabel="token")
    _label_offsets(ax, tables.shape[1], tables.shape[3])
    label_tokens(ax.yaxis, tokens, tables.shape[0], SMALL)
    centres, spread = kernel_centre(tables).mean(dim=-1), kernel_entropy(tables).mean(dim=-1)
    write_description(
        ax,
        f"{title}: a table for each of {tables.shape[0]} layers and {tables.shape[1]} heads, a row for each of "
        f"{read_out(tokens)}, a column for each of {tables.shape[3]} offsets. "
        + _extremes(centres, "leans most to the words after, centre {:+.1f}", "most to those before, {:+.1f}")
        + f" The mean entropy is {float(spread.mean()):.0%} of that of equal weights.",
    )
    return figure_of(ax)


@rc_context(STYLE)
def plot_by_head(
    values: Mapping[str, Float[Tensor, "layers heads"]],
    quantity: str,
    ax: Axes | None = None,
    title: str | None = None,
    number_format: str = ".2f",
    largest: float | None = None,
) -> Figure:
    """Draw one number for each head, written in its cell: for each group of heads a table, all on one colour scale.

    Rows are layers and columns heads. White is 0 or less.
    values: by name, such as "attention heads"; quantity: what is measured; number_format: such as ".0%"
    largest: where the colour scale ends, for figures that are compared; if left out, at the largest number
    With `ax` the tables are drawn in its place. Returns the figure. Raises ValueError without a table.
    """
    if not values:
        raise ValueError("values is empty; give at least one table of layers and heads")
    tables = {name: table.detach().cpu().float() for name, table in values.items()}
    if largest is None:
        largest = max(float(table.max()) for table in tables.values())
    layers, heads = next(iter(tables.values())).shape
    size = (min((0.62 * heads + 0.6) * len(tables) + 1.4, 12.0), min(0.36 * layers + 1.7, 9.0))
    panels = panels_for(ax, 1, len(tables), size)[0]
    read = []
    for panel, (name, table) in zip(panels, tables.items(), strict=True):
        image = draw_heat_map(panel, table.clamp(min=0), max(largest, 1e-9))
        panel.set(title=name, xlabel="head", xticks=range(table.shape[1]), yticks=range(table.shape[0]))
        for (layer, head), value in np.ndenumerate(table.numpy()):
            colour = "white" if value > WHITE_LETTERS * largest else "black"
            # 0.0 stands for -0.0 and for what is rounded to it.
            number = format(float(value), number_format)
            number = number.removeprefix("-") if not number.strip("-0.%") else number
            panel.text(head, layer, number, ha="center", va="center", fontsize=8, color=colour)
        read.append(
            f"{name}: {_extremes(table, f'has most, {{:{number_format}}}', f'least, {{:{number_format}}}')}"
        )
    panels[0].set_ylabel("layer")
    figure = figure_of(panels[0])
    # Shares are read as percentages on the scale, too.
    form = f"{{x:{number_format}}}" if number_format.endswith("%") else None
    figure.colorbar(image, ax=list(panels), shrink=0.9, label=quantity, format=form)
    title = title or quantity.capitalize()
    if ax is None:
        figure.suptitle(title)
    write_description(
        panels[0], f"{title}: a table of {layers} layers and {heads} heads each. {' '.join(read)}"
    )
    return figure


def _draw_grid(tables: Tensor, ax: Axes | None, title: str, across: float, down: float) -> Axes:
    """Draw the mosaic with its scale and names; `across` and `down` are inches for each table."""
    layers, heads = tables.shape[:2]
    size = (min(max(4.5, across * heads + 1.8), 12.6), min(max(3.2, down * layers + 1.6), 12.6))
    ax = axes_for(ax, size)
    darkest = float(np.quantile(tables.cpu().float().numpy(), DARKEST))
    image = draw_mosaic(ax, tables, darkest)
    ax.set_title(title)
    ax.tick_params(length=2)
    figure_of(ax).colorbar(image, ax=ax, fraction=0.05, shrink=0.6, label="weight", extend="max")
    return ax


def _label_offsets(ax: Axes, heads: int, size: int) -> None:
    """Write the middle offset, 0, below each table, and one on either side of it, half the reach away."""
    middle, half = size // 2, (size // 2 + 1) // 2
    shown = sorted({middle - half, middle, middle + half})
    ax.set_xticks(
        [head * size + place for head in range(heads) for place in shown],
        [offsets(size)[place] for place in shown] * heads,
        fontsize=SMALL,
    )


def _extremes(values: Tensor, highest: str, lowest: str) -> str:
    """Say which layer and head have the highest and the lowest of `values` [layers, heads]."""
    phrases = []
    for at, phrase in ((int(values.argmax()), highest), (int(values.argmin()), lowest)):
        layer, head = divmod(at, values.shape[1])
        phrases.append(f"layer {layer}, head {head} {phrase.format(float(values[layer, head]))}")
    return f"{'; '.join(phrases)}.".capitalize()
