"""Mixed attention as one picture: what the attention heads and the convolution heads of a layer look at.

`plot_mixed_attention` shows a whole sentence, `plot_token` one token of it: this is what the explorer of lesson 07
draws.
"""

from collections.abc import Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation
from torch import Tensor

from convbert_edu.analysis.locality import kernels_as_map
from convbert_edu.models.outputs import ModelOutput
from convbert_edu.visualize.attention import describe_map
from convbert_edu.visualize.display import read_out, write_description
from convbert_edu.visualize.kernels import draw_kernel, name_words, window
from convbert_edu.visualize.labels import check_range, check_tokens, label_tokens, pick_one, shorten
from convbert_edu.visualize.style import STYLE, draw_heat_map, drawable, figure_of, panels_for, part_colour

# In points, from an axis to its name: room for a number such as 0.00025.
ROOM_FOR_NUMBERS = 48


@rc_context(STYLE)
def plot_mixed_attention(
    attention: ModelOutput | Float[Tensor, "query key"] | Float[Tensor, "heads query key"],
    kernels: ModelOutput | Float[Tensor, "seq kernel"] | Float[Tensor, "heads seq kernel"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
    layer: int | None = None,
    head: int | None = None,
    index: int | None = None,
) -> Figure:
    """Draw an attention map and, beside it, the kernels as a map of the same kind: a band around the diagonal.

    attention, kernels: tensors, or a model's result (the same one twice); see `plot_attention` for the choices.
    With `ax` both are drawn in its place. Returns the figure.
    Raises ValueError where tokens and positions differ in number, and for choices that the result does not have.
    """
    weights, chosen = pick_one(attention, "attentions", layer, head, index)
    convolution, _ = pick_one(kernels, "conv_kernels", layer, head, index)
    check_tokens(tokens, {"rows of attention": weights.shape[0], "kernels": convolution.shape[0]})
    band = kernels_as_map(convolution)
    side = min(max(3.2, 0.2 * len(tokens) + 1.2), 6.0)
    left, right = panels_for(ax, 1, 2, (2 * side + 1.4, side + 0.4), sharey=True)[0]
    largest = max(float(weights.max()), float(band.max()))
    for panel, table, name in ((left, weights, "attention heads"), (right, band, "convolution heads")):
        image = draw_heat_map(panel, table, largest)
        panel.set(title=name, xlabel="looked at")
        label_tokens(panel.xaxis, tokens)
        write_description(panel, f"{name.capitalize()}: {describe_map(table, tokens)}")
    left.set_ylabel("looking")
    label_tokens(left.yaxis, tokens)
    figure = figure_of(left)
    figure.colorbar(image, ax=[left, right], shrink=0.8, label="weight")
    title = title or f"Mixed attention: {chosen or 'one head of each kind'}"
    if ax is None:
        figure.suptitle(title)
    write_description(
        left,
        f"{title}: two maps over {read_out(tokens)}; the convolution's is a band {convolution.shape[1]} wide. "
        f"{left.convbert_description}",
    )
    return figure


@rc_context(STYLE)
def plot_token(
    result: ModelOutput,
    tokens: Sequence[str],
    position: int,
    layer: int,
    head: int,
    index: int | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the attention of the token at `position` over the sentence and, below, its kernel over its window.

    Without kernels in the result only the attention is drawn. `index` says which sentence of a batch.
    With `ax` both are drawn in its place. Returns the figure.
    Raises ValueError for choices that the result does not have, and where tokens and positions differ in number.
    """
    weights, _ = pick_one(result, "attentions", layer, head, index)
    check_tokens(tokens, {"rows of attention": weights.shape[0]})
    check_range("position", position, len(tokens))
    with_kernels = result.conv_kernels is not None
    panels = panels_for(ax, 1 + with_kernels, 1, (9.0, 2.6 * (1 + with_kernels)))[:, 0].tolist()
    panels[0].set(ylabel="weight", xlim=(-0.6, len(tokens) - 0.4))
    label_tokens(panels[0].xaxis, tokens)
    if with_kernels:
        name_words(panels[1], window(tokens, position, result.conv_kernels[0].shape[-1]))
    for panel in panels:
        # Beside the longest numbers: whatever those of another layer are, its panels stand where these do.
        beside = panel.transAxes + ScaledTranslation(-ROOM_FOR_NUMBERS / 72, 0, panel.figure.dpi_scale_trans)
        panel.yaxis.set_label_coords(0, 0.5, transform=beside)
    draw_token(panels, result, tokens, position, layer, head, index)
    return figure_of(panels[0])


@rc_context(STYLE)
def draw_token(
    panels: list[Axes],
    result: ModelOutput,
    tokens: Sequence[str],
    position: int,
    layer: int,
    head: int,
    index: int | None = None,
) -> None:
    """Draw another layer or head of the same token into the panels of `plot_token`; their labels and places stay.

    To make the labels and to find room for them takes longer than all the rest.
    """
    for panel in panels:
        for artists in (panel.containers, panel.patches, panel.lines):
            for artist in list(artists):
                artist.remove()
        # The new weights alone decide how high the axis reaches.
        panel.relim()
        panel.autoscale(axis="y")
    weights, chosen = pick_one(result, "attentions", layer, head, index)
    _draw_row(panels[0], weights[position].cpu().float().tolist(), tokens, position, chosen)
    if len(panels) > 1:
        kernel = pick_one(result, "conv_kernels", layer, head, index)[0][position]
        title = f"The kernel of '{shorten(tokens[position])}' ({chosen})"
        draw_kernel(panels[1], kernel, window(tokens, position, len(kernel)), drawable([title])[0])


def _draw_row(ax: Axes, row: list[float], tokens: Sequence[str], position: int, chosen: str) -> None:
    """Draw one row of an attention map as bars over the sentence; the token that looks is shaded."""
    ax.axvspan(position - 0.5, position + 0.5, color="0.9", zorder=0)
    # All bars as one outline: hundreds of single bars would make the explorer slow.
    edges = [at + side for at in range(len(row)) for side in (-0.4, 0.4)]
    heights = [height for weight in row for height in (weight, 0.0)][:-1]
    ax.stairs(heights, edges, fill=True, color=part_colour("attention"))
    title = f"What '{shorten(tokens[position])}' looks at ({chosen})"
    ax.set(title=drawable([title])[0], ylim=(0, None))
    order = sorted(range(len(row)), key=lambda at: -row[at])[:3]
    most = ", ".join(f"'{tokens[at]}' {row[at]:.2f}" for at in order)
    write_description(ax, f"{title}: bars over {read_out(tokens)}. Most: {most}.")
