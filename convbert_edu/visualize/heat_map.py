"""The one way that the course draws a table of weights as colours."""

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from torch import Tensor

from convbert_edu.visualize.style import SEQUENTIAL_MAP


def draw_heat_map(ax: Axes, weights: Float[Tensor, "row column"], largest: float) -> AxesImage:
    """Draw weights of at least 0: white is nothing, the darkest blue is `largest`."""
    array = weights.detach().cpu().float().numpy()
    # "auto" draws sharp squares, and blends them only where there are more of them than dots on the screen.
    return ax.imshow(array, cmap=SEQUENTIAL_MAP, vmin=0, vmax=largest, aspect="auto", interpolation="auto")


def draw_mosaic(ax: Axes, tables: Float[Tensor, "layer head row column"], largest: float) -> AxesImage:
    """Draw a table for each layer (downwards) and head (to the right), on one scale, with lines between them.

    One picture in one axes: a grid of 144 axes would take seconds to draw.
    """
    layers, heads, rows, columns = tables.shape
    image = draw_heat_map(ax, tables.transpose(1, 2).reshape(layers * rows, heads * columns), largest)
    for layer in range(1, layers):
        ax.axhline(layer * rows - 0.5, color="0.4", linewidth=1.5)
    for head in range(1, heads):
        ax.axvline(head * columns - 0.5, color="0.4", linewidth=1.5)
    ax.set_yticks([(layer + 0.5) * rows - 0.5 for layer in range(layers)], range(layers))
    ax.set_xticks([(head + 0.5) * columns - 0.5 for head in range(heads)], range(heads))
    ax.tick_params(length=0)
    ax.spines[["top", "right"]].set_visible(True)
    return image
