"""The same word in two contexts: do its kernels differ?"""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.visualize.canvas import figure_of, panels_for
from convbert_edu.visualize.description import write_description
from convbert_edu.visualize.fonts import drawable
from convbert_edu.visualize.kernels import plot_kernel_bars
from convbert_edu.visualize.style import STYLE


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
