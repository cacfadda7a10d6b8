"""The one way that the course draws a table of weights as colours."""

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from torch import Tensor

from convbert_edu.visualize.style import SEQUENTIAL_MAP


def draw_heat_map(ax: Axes, weights: Float[Tensor, "row column"], largest: float) -> AxesImage:
    """Draw weights of at least 0: white is nothing, the darkest blue is `largest`."""
    array = weights.detach().cpu().float().numpy()
    return ax.imshow(array, cmap=SEQUENTIAL_MAP, vmin=0, vmax=largest, aspect="auto", interpolation="nearest")
