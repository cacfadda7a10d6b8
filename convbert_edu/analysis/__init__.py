"""Numbers about what goes on inside a model: the measurements behind the figures, without any drawing."""

from convbert_edu.analysis.gradients import receptive_field, token_saliency
from convbert_edu.analysis.locality import (
    Locality,
    attended_distance,
    kernel_centre,
    kernel_entropy,
    kernels_as_map,
    mass_in_window,
    measure_locality,
    weights_by_offset,
)
from convbert_edu.analysis.sentences import look_inside, mean_over_tokens

__all__ = [
    "Locality",
    "attended_distance",
    "kernel_centre",
    "kernel_entropy",
    "kernels_as_map",
    "look_inside",
    "mass_in_window",
    "mean_over_tokens",
    "measure_locality",
    "receptive_field",
    "token_saliency",
    "weights_by_offset",
]
