"""The kernels of the dynamic convolution: how much of each neighbour every position takes in.

Lessons 00 and 03 draw one kernel and all of a sentence, lesson 07 the kernels of one word in two sentences.
"""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.models.outputs import ModelOutput
from convbert_edu.visualize.display import read_out, write_description
from convbert_edu.visualize.labels import check_tokens, label_tokens, pick_one
from convbert_edu.visualize.style import (
    STYLE,
    axes_for,
    draw_heat_map,
    drawable,
    figure_of,
    panels_for,
    part_colour,
)


@rc_context(STYLE)
def plot_kernels(
    kernels: ModelOutput | Float[Tensor, "seq kernel"] | Float[Tensor, "heads seq kernel"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
    layer: int | None = None,
    head: int | None = None,
    index: int | None = None,
) -> Figure:
    """Draw the kernels of one head as a map: row t holds the weights that position t gives to its neighbours.

    The columns are offsets: -1 is the word before, +1 the word after.
    kernels: those of one head, or a model's result; then `layer` says which layer, `head` which head (the mean of all
    if left out) and `index` which sentence of a batch. Of several heads the mean is drawn.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and kernels differ in number, and for choices that the result does not have.
    """
    weights, chosen = pick_one(kernels, "conv_kernels", layer, head, index)
    length, size = weights.shape
    check_tokens(tokens, {"kernels": length})
    ax = axes_for(ax, (0.42 * size + 2.6, min(max(2.8, 0.26 * length + 1.4), 9.0)))
    image = draw_heat_map(ax, weights, float(weights.max()))
    title = title or (f"Kernels: {chosen}" if layer is not None else chosen.capitalize() or "Kernels")
    ax.set(title=title, xlabel="offset from the word", ylabel="word")
    figure_of(ax).colorbar(image, ax=ax, shrink=0.8, label="weight")
    label_tokens(ax.xaxis, offsets(size))
    label_tokens(ax.yaxis, tokens)
    row, column = divmod(int(weights.argmax()), size)
    write_description(
        ax,
        f"{title}, as a map: a row for each of {read_out(tokens)}, a column for each offset from {offsets(size)[0]} to "
        f"{offsets(size)[-1]}. The largest weight is {float(weights[row, column]):.2f}, of '{tokens[row]}' at offset "
        f"{offsets(size)[column]}.",
    )
    return figure_of(ax)


@rc_context(STYLE)
def plot_kernel_bars(
    kernel: Float[Tensor, "kernel"], words: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Figure:
    """Draw one kernel as bars over the words of its window; the word in the middle, to which it belongs, is shaded.

    A position outside the sentence is an empty string. The dashed line is 1 / kernel size: all words alike.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError when there are not as many words as weights.
    """
    size = kernel.shape[0]
    check_tokens(words, {"weights in the kernel": size})
    ax = axes_for(ax, (max(4.0, 0.75 * size + 0.8), 3.0))
    draw_kernel(ax, kernel, words, title or "One kernel")
    name_words(ax, words)
    return figure_of(ax)


def draw_kernel(ax: Axes, kernel: Float[Tensor, "kernel"], words: Sequence[str], title: str) -> None:
    """Draw the bars of `plot_kernel_bars`, without the words below them."""
    size, weights = len(words), kernel.detach().cpu().float().tolist()
    middle = size // 2
    ax.axvspan(middle - 0.5, middle + 0.5, color="0.9", zorder=0)
    ax.bar(range(size), weights, color=part_colour("kernel"))
    ax.axhline(1 / size, color="black", linestyle="--", linewidth=1)
    ax.set(title=title, ylim=(0, None))
    read = ", ".join(
        f"{word or '(nothing)'} {weight:.2f}" for word, weight in zip(words, weights, strict=True)
    )
    write_description(ax, f"{title}: weights of the kernel of '{words[middle]}' over its window: {read}.")


def name_words(ax: Axes, words: Sequence[str]) -> None:
    """Write the words of a window below the bars of its kernel, and what both axes are."""
    ax.set(xlabel="words in the window", ylabel="weight")
    label_tokens(ax.xaxis, words)


def offsets(size: int) -> list[str]:
    """Return the offsets of a window as text: -2, -1, 0, +1, +2."""
    return [f"{at - size // 2:+d}".replace("+0", "0") for at in range(size)]


def window(tokens: Sequence[str], position: int, size: int) -> list[str]:
    """Return the `size` tokens around `position`; a position outside the sentence is an empty string."""
    reach = size // 2
    return [
        tokens[at] if 0 <= at < len(tokens) else "" for at in range(position - reach, position + reach + 1)
    ]


@rc_context(STYLE)
def plot_two_contexts(
    kernels: Mapping[str, tuple[Float[Tensor, "kernel"], Float[Tensor, "kernel"]]],
    windows: tuple[Sequence[str], Sequence[str]],
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the kernels of one word in two sentences side by side: a row for each kind of convolution.

    kernels: by kind, such as "fixed", "dynamic", "span-based", the kernel in the first and in the second sentence
    windows: the words around it in the first and in the second sentence
    All bars have one scale. With `ax` they are drawn in its place. Returns the figure.
    Raises ValueError without kernels, and where words and weights differ in number.
    """
    if not kernels:
        raise ValueError("kernels is empty; give a pair of kernels for at least one kind of convolution")
    axes = panels_for(ax, len(kernels), 2, (9.0, 2.2 * len(kernels) + 0.6), sharey=True)
    largest = max(float(kernel.detach().max()) for pair in kernels.values() for kernel in pair)
    word = windows[0][len(windows[0]) // 2]
    for row, (kind, pair) in zip(axes, kernels.items(), strict=True):
        for number, (panel, kernel, words) in enumerate(zip(row, pair, windows, strict=True)):
            plot_kernel_bars(kernel, words, panel, title=f"{kind}, sentence {number + 1}")
            panel.set(
                title=kind, xlabel="", ylim=(0, 1.1 * largest), ylabel="weight" if panel is row[0] else ""
            )
    figure = figure_of(axes[0, 0])
    title = title or f"The kernels of '{word}' in two sentences"
    if ax is None:
        figure.suptitle(drawable([title])[0])
    differences = [
        f"{kind} {float((first - second).detach().abs().max()):.2f}"
        for kind, (first, second) in kernels.items()
    ]
    write_description(
        axes[0, 0],
        f"{title}. Largest difference between the two: {', '.join(differences)}. "
        f"{axes[0, 0].convbert_description}",
    )
    return figure
