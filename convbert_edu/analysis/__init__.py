"""Numbers about what goes on inside a model: the measurements behind the figures, without any drawing.

The names below are loaded when they are first used, so that a lesson imports only the files whose names it uses. The
table says in which file each name stands. Lessons 07 and 09 use them.
"""

from importlib import import_module
from typing import Any

MODULE_OF = {
    "Locality": "locality",
    "attended_distance": "locality",
    "heads_multiplied": "sentences",
    "kernel_centre": "locality",
    "kernel_entropy": "locality",
    "kernels_as_map": "locality",
    "look_inside": "sentences",
    "mass_in_window": "locality",
    "mean_over_tokens": "sentences",
    "measure_locality": "locality",
    "receptive_field": "gradients",
    "token_saliency": "gradients",
    "weights_by_offset": "locality",
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
