"""All layers and heads at a glance: a grid of attention maps, a grid of kernels. Lesson 07 draws both."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.analysis.locality import attended_distance, kernel_centre, kernel_entropy
from convbert_edu.models.outputs import ModelOutput
from convbert_edu.visualize.display import read_out, write_description
from convbert_edu.visualize.labels import check_tokens, pick_layers
from convbert_edu.visualize.style import STYLE, axes_for, draw_mosaic, figure_of

# This share of the weights is told apart by colour; the rest is as dark as can be.
DARKEST = 0.995


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
    In each map rows look at columns, from the first token to the last. `index` says which sentence of a batch.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and positions differ in number, and for a result without attentions.
    """
    maps = pick_layers(attentions, "attentions", index)
    check_tokens(tokens, {"rows of attention": maps.shape[2], "columns of attention": maps.shape[3]})
    title = title or f"Attention of all heads, {len(tokens)} tokens"
    ax = _draw_grid(maps, ax, title, across=1.5, down=1.5)
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
    In each table rows are tokens and columns offsets, the word itself in the middle. `index` says which sentence.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and kernels differ in number, and for a result without kernels.
    """
    tables = pick_layers(kernels, "conv_kernels", index)
    check_tokens(tokens, {"kernels": tables.shape[2]})
    title = title or f"Kernels of all heads, {len(tokens)} tokens"
    ax = _draw_grid(tables, ax, title, across=1.2, down=1.6)
    centres, spread = kernel_centre(tables).mean(dim=-1), kernel_entropy(tables).mean(dim=-1)
    write_description(
        ax,
        f"{title}: a table for each of {tables.shape[0]} layers and {tables.shape[1]} heads, a row for each of "
        f"{read_out(tokens)}, a column for each of {tables.shape[3]} offsets. "
        + _extremes(centres, "leans most to the words after, centre {:+.1f}", "most to those before, {:+.1f}")
        + f" The mean entropy is {float(spread.mean()):.0%} of that of equal weights.",
    )
    return figure_of(ax)


def _draw_grid(tables: Tensor, ax: Axes | None, title: str, across: float, down: float) -> Axes:
    """Draw the mosaic with its scale and names; `across` and `down` are inches for each table."""
    layers, heads = tables.shape[:2]
    size = (min(max(4.5, across * heads + 1.8), 12.0), min(max(3.0, down * layers + 1.0), 12.0))
    ax = axes_for(ax, size)
    darkest = float(np.quantile(tables.cpu().float().numpy(), DARKEST))
    image = draw_mosaic(ax, tables, darkest)
    ax.set(title=title, xlabel="head", ylabel="layer")
    figure_of(ax).colorbar(image, ax=ax, shrink=0.6, label="weight", extend="max")
    return ax


def _extremes(values: Tensor, highest: str, lowest: str) -> str:
    """Say which layer and head have the highest and the lowest of `values` [layers, heads]."""
    phrases = []
    for at, phrase in ((int(values.argmax()), highest), (int(values.argmin()), lowest)):
        layer, head = divmod(at, values.shape[1])
        phrases.append(f"layer {layer}, head {head} {phrase.format(float(values[layer, head]))}")
    return f"{'; '.join(phrases)}.".capitalize()
