"""Figures of what the model does, each with a description in words."""

from convbert_edu.visualize.attention import plot_attention, plot_attention_heads
from convbert_edu.visualize.by_layer import (
    plot_by_layer,
    plot_kernel_shape,
    plot_locality,
    plot_receptive_field,
    plot_saliency,
)
from convbert_edu.visualize.coloured_tokens import colour_tokens, label_spans
from convbert_edu.visualize.curves import plot_curves
from convbert_edu.visualize.display import describe, show, show_source
from convbert_edu.visualize.explorer import explore
from convbert_edu.visualize.grids import plot_attention_grid, plot_kernels_grid
from convbert_edu.visualize.kernels import plot_kernel_bars, plot_kernels, plot_two_contexts
from convbert_edu.visualize.mixed_attention import plot_mixed_attention, plot_token
from convbert_edu.visualize.style import part_colour, use_style

__all__ = [
    "colour_tokens",
    "describe",
    "explore",
    "label_spans",
    "part_colour",
    "plot_attention",
    "plot_attention_grid",
    "plot_attention_heads",
    "plot_by_layer",
    "plot_curves",
    "plot_kernel_bars",
    "plot_kernel_shape",
    "plot_kernels",
    "plot_kernels_grid",
    "plot_locality",
    "plot_mixed_attention",
    "plot_receptive_field",
    "plot_saliency",
    "plot_token",
    "plot_two_contexts",
    "show",
    "show_source",
    "use_style",
]
