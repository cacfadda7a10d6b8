"""Figures of what the model does, each with a description in words.

The names below are loaded when they are first used, so that a lesson imports only the files whose names it uses. The
table says in which file each name stands. Every lesson uses some of them.
"""

from importlib import import_module
from typing import Any

MODULE_OF = {
    "colour_tokens": "coloured_tokens",
    "describe": "display",
    "explore": "explorer",
    "label_spans": "coloured_tokens",
    "part_colour": "style",
    "plot_attention": "attention",
    "plot_attention_grid": "grids",
    "plot_attention_heads": "attention",
    "plot_by_head": "grids",
    "plot_by_layer": "by_layer",
    "plot_curves": "curves",
    "plot_kernel_bars": "kernels",
    "plot_kernel_shape": "by_layer",
    "plot_kernels": "kernels",
    "plot_kernels_grid": "grids",
    "plot_locality": "by_layer",
    "plot_mixed_attention": "mixed_attention",
    "plot_model_map": "display",
    "plot_receptive_field": "by_layer",
    "plot_saliency": "by_layer",
    "plot_token": "mixed_attention",
    "plot_two_contexts": "kernels",
    "show": "display",
    "show_model_map": "display",
    "show_source": "display",
    "side_by_side": "explorer",
    "use_style": "style",
}
__all__ = list(MODULE_OF)


def __getattr__(name: str) -> Any:
    """Import the file of `name` and return what stands there; Python asks here for names that it does not find."""
    if name not in MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    """Return all names, those that are not loaded yet included."""
    return sorted({*globals(), *__all__})
