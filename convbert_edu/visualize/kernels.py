"""The kernels of the dynamic convolution: how much of each neighbour every position takes in."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.visualize.heat_map import draw_heat_map
from convbert_edu.visualize.labels import check_tokens, label_tokens
from convbert_edu.visualize.style import STYLE, part_colour


def plot_kernels(
    kernels: Float[Tensor, "seq kernel"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the kernels of one head as a map: row t holds the weights that position t gives to its neighbours.

    The columns are offsets: -1 is the word before, +1 the word after.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError when there are not as many tokens as kernels.
    """
    length, size = kernels.shape
    check_tokens(tokens, {"kernels": length})
    with plt.rc_context(STYLE):
        if ax is None:
            _, ax = plt.subplots(figsize=(0.42 * size + 2.6, min(max(2.8, 0.26 * length + 1.4), 9.0)))
        image = draw_heat_map(ax, kernels, float(kernels.detach().max()))
        ax.set(title=title or "Kernels", xlabel="offset from the word", ylabel="word")
        ax.figure.colorbar(image, ax=ax, shrink=0.8, label="weight")
        label_tokens(ax.yaxis, tokens)
        label_tokens(ax.xaxis, [f"{place - size // 2:+d}".replace("+0", "0") for place in range(size)])
        return ax.figure


def plot_kernel_bars(
    kernel: Float[Tensor, "kernel"], words: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Figure:
    """Draw one kernel as bars over the words of its window; the shaded place is the word that it belongs to.

    A place outside the sentence is an empty string. The dashed line is 1 / kernel size: all words alike.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError when there are not as many words as weights.
    """
    size = kernel.shape[0]
    check_tokens(words, {"weights in the kernel": size})
    weights = kernel.detach().cpu().float().tolist()
    with plt.rc_context(STYLE):
        if ax is None:
            _, ax = plt.subplots(figsize=(max(4.0, 0.75 * size + 0.8), 3.0))
        middle = size // 2
        ax.axvspan(middle - 0.5, middle + 0.5, color="0.9", zorder=0)
        ax.bar(range(size), weights, color=part_colour("kernel"))
        ax.axhline(1 / size, color="black", linestyle="--", linewidth=1)
        ax.set(title=title or "One kernel", xlabel="words in the window", ylabel="weight", ylim=(0, None))
        label_tokens(ax.xaxis, words)
        return ax.figure
