"""Attention maps: which position (row) looks at which (column). Lessons 00 and 04 draw them."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.analysis.locality import attended_distance
from convbert_edu.models.outputs import ModelOutput
from convbert_edu.visualize.display import read_out, write_description
from convbert_edu.visualize.labels import check_tokens, label_tokens, pick_one
from convbert_edu.visualize.style import STYLE, axes_for, draw_heat_map, figure_of, panels_for


@rc_context(STYLE)
def plot_attention(
    attention: ModelOutput | Float[Tensor, "query key"] | Float[Tensor, "heads query key"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
    layer: int | None = None,
    head: int | None = None,
    index: int | None = None,
) -> Figure:
    """Draw one attention map: row t shows how position t divides its attention over all positions.

    attention: a map, or a model's result; then `layer` says which layer, `head` which head (the mean of all if left
    out) and `index` which sentence of a batch. Of several heads the mean is drawn.
    Draws into `ax` where given, else into a new figure; returns the figure.
    Raises ValueError where tokens and positions differ in number, and for choices that the result does not have.
    """
    weights, chosen = pick_one(attention, "attentions", layer, head, index)
    check_tokens(tokens, {"rows of attention": weights.shape[0], "columns of attention": weights.shape[1]})
    side = min(max(3.5, 0.2 * len(tokens) + 1.5), 7.5)
    ax = axes_for(ax, (side + 0.8, side))
    image = draw_heat_map(ax, weights, float(weights.max()))
    title = title or (f"Attention: {chosen}" if layer is not None else chosen.capitalize() or "Attention")
    ax.set(title=title, xlabel="looked at (key)", ylabel="looking (query)")
    figure_of(ax).colorbar(image, ax=ax, shrink=0.8, label="weight")
    label_tokens(ax.xaxis, tokens)
    label_tokens(ax.yaxis, tokens)
    write_description(ax, f"{title}, as a map over {read_out(tokens)}. {describe_map(weights, tokens)}")
    return figure_of(ax)


@rc_context(STYLE)
def plot_attention_heads(
    attention: Float[Tensor, "heads query key"],
    tokens: Sequence[str],
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the maps of all heads of one layer side by side, on one colour scale, and return the figure.

    With `ax` they are drawn in its place.
    Raises ValueError when the number of tokens differs from the number of rows or columns.
    """
    heads, rows, columns = attention.shape
    check_tokens(tokens, {"rows of attention": rows, "columns of attention": columns})
    across = min(4, heads)
    down = math.ceil(heads / across)
    side = min(max(2.2, 0.15 * len(tokens)), 10.0 / across)
    size = (side * across + 1.6, side * down + 1.3)
    axes = panels_for(ax, down, across, size, sharex=True, sharey=True)
    for spare in axes.flat[heads:]:
        spare.remove()
    title = title or "Attention, head by head"
    for number, panel in enumerate(axes.flat[:heads]):
        image = draw_heat_map(panel, attention[number], float(attention.detach().max()))
        panel.set_title(f"head {number}")
        lowest_in_its_column = number >= heads - across
        panel.tick_params(axis="x", rotation=90, labelbottom=lowest_in_its_column)
        write_description(panel, f"Head {number}: {describe_map(attention[number], tokens)}")
    figure = figure_of(axes[0, 0])
    if ax is None:
        figure.suptitle(title)
        figure.supxlabel("looked at (key)")
        figure.supylabel("looking (query)")
    figure.colorbar(image, ax=list(axes.flat[:heads]), shrink=0.8, label="weight")
    # The axes are shared: labelling one labels all.
    label_tokens(axes[-1, 0].xaxis, tokens)
    label_tokens(axes[0, 0].yaxis, tokens)
    first = axes[0, 0]
    write_description(first, f"{title}: maps over {read_out(tokens)}. {first.convbert_description}")
    return figure


def describe_map(weights: Float[Tensor, "query key"], tokens: Sequence[str]) -> str:
    """Return what stands out in a map of attention: the strongest weight, and the mean distance looked."""
    weights = weights.detach().float()
    query, key = divmod(int(weights.argmax()), weights.shape[1])
    distance = float(attended_distance(weights).mean())
    return (
        f"The largest weight is {float(weights[query, key]):.2f}: '{tokens[query]}' looks at '{tokens[key]}'. "
        f"On average a token looks {distance:.1f} tokens away."
    )
