"""The authors' TensorFlow 1 variables as a state dict of this package."""

from collections.abc import Mapping

import numpy as np
import torch

from convbert_edu.checkpoints.names import OUR_PREFIX, encoder_names, head_names
from convbert_edu.config import ConvBertConfig


def discriminator_from_tensorflow(
    variables: Mapping[str, np.ndarray], config: ConvBertConfig
) -> dict[str, torch.Tensor]:
    """Return the state dict of ConvBertForPreTraining for the `electra/` variables of the authors' checkpoint.

    `variables` maps the authors' names to arrays, as TensorFlow's checkpoint reader gives them; the optimiser's
    variables (adam_m, adam_v, global_step) are left alone.
    Raises KeyError naming the variables that the configuration asks for and the checkpoint does not have.
    """
    wanted = {
        OUR_PREFIX + row.ours: (f"electra/{row.tensorflow}", row.tensorflow_layout)
        for row in encoder_names(config)
    }
    wanted |= {
        row.ours: (row.tensorflow, row.tensorflow_layout)
        for row in head_names()
        if row.ours.startswith("replaced_token_head")
    }
    missing = sorted(name for name, _ in wanted.values() if name not in variables)
    if missing:
        raise KeyError(
            f"the TensorFlow checkpoint lacks {missing}; does the configuration describe this checkpoint?"
        )
    return {ours: _turn(variables[name], layout) for ours, (name, layout) in wanted.items()}


def _turn(array: np.ndarray, layout: str) -> torch.Tensor:
    """Give a TensorFlow array the order of axes that ours has; axes of length one are dropped when it is loaded."""
    return torch.from_numpy(np.ascontiguousarray(array.T if layout == "transposed" else array))
