"""Figures of what the model does: attention maps and convolution kernels, each with a description."""

from convbert_edu.visualize.attention import plot_attention, plot_attention_heads
from convbert_edu.visualize.display import show, show_source
from convbert_edu.visualize.kernels import plot_kernel_bars, plot_kernels
from convbert_edu.visualize.style import part_colour, use_style

__all__ = [
    "part_colour",
    "plot_attention",
    "plot_attention_heads",
    "plot_kernel_bars",
    "plot_kernels",
    "show",
    "show_source",
    "use_style",
]
