"""Where a figure function draws: into a new figure, or in the place of the axes that it was given."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of `size` inches that nobody else knows: it goes when its last name goes.

    (pyplot keeps a list of all figures that it made, until they are closed.)
    """
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or axes in a new figure of `size` inches."""
    return ax if ax is not None else new_figure(size).add_subplot()


def panels_for(
    ax: Axes | None, rows: int, columns: int, size: tuple[float, float], **options: Any
) -> np.ndarray:
    """Return rows x columns axes, in a new figure of `size` inches or in the place of `ax`, which is removed.

    options: of matplotlib's `subplots`, such as sharex
    Raises ValueError where `ax` is not part of a grid.
    """
    if ax is None:
        return new_figure(size).subplots(rows, columns, squeeze=False, **options)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax stands free in its figure, so it cannot be divided; give one that subplots() made"
        )
    ax.remove()
    return place.subgridspec(rows, columns).subplots(squeeze=False, **options)


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that `ax` is part of."""
    return ax.get_figure(root=True)
