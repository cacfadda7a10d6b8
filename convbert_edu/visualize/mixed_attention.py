"""Mixed attention as one picture: what the attention heads and the convolution heads of a layer look at."""

from collections.abc import Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.analysis.attention_distance import kernels_as_map
from convbert_edu.models.outputs import InsideView
from convbert_edu.visualize.attention import describe_map
from convbert_edu.visualize.canvas import figure_of, panels_for
from convbert_edu.visualize.description import read_out, write_description
from convbert_edu.visualize.heat_map import draw_heat_map
from convbert_edu.visualize.labels import check_tokens, label_tokens
from convbert_edu.visualize.pick import pick_one
from convbert_edu.visualize.style import STYLE


@rc_context(STYLE)
def plot_mixed_attention(
    attention: InsideView | Float[Tensor, "query key"] | Float[Tensor, "heads query key"],
    kernels: InsideView | Float[Tensor, "seq kernel"] | Float[Tensor, "heads seq kernel"],
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
