"""How much each token matters for a verdict, as bars."""

from collections.abc import Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.visualize.canvas import axes_for, figure_of
from convbert_edu.visualize.description import read_out, write_description
from convbert_edu.visualize.labels import check_tokens, label_tokens
from convbert_edu.visualize.style import STYLE, part_colour


@rc_context(STYLE)
def plot_saliency(
    saliency: Float[Tensor, " seq"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one number per token as bars; those below zero point down.

    saliency: as `convbert_edu.analysis.token_saliency` returns it, or any other number per token
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and numbers differ in number.
    """
    check_tokens(tokens, {"numbers": saliency.shape[0]})
    heights = saliency.detach().cpu().float()
    ax = axes_for(ax, (min(max(5.0, 0.3 * len(tokens) + 1.2), 10.0), 3.2))
    ax.bar(range(len(tokens)), heights.tolist(), color=part_colour("embedding"))
    ax.axhline(0, color="black", linewidth=0.8)
    title = title or "How fast the score changes with each token"
    ax.set(title=title, xlabel="token", ylabel="length of the gradient", xlim=(-0.6, len(tokens) - 0.4))
    label_tokens(ax.xaxis, tokens)
    order = heights.abs().argsort(descending=True)[:3].tolist()
    strongest = ", ".join(f"'{tokens[place]}' {float(heights[place]):.2f}" for place in order)
    write_description(ax, f"{title}: a bar for each of {read_out(tokens)}. The longest: {strongest}.")
    return figure_of(ax)
