"""Checkpoints of the authors' TensorFlow code, for tests that convert them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from click.testing import CliRunner, Result

from convbert_edu import ConvBertForPreTraining
from convbert_edu.cli.main import main

FIXTURES = Path(__file__).parent / "fixtures" / "original_tf"
CHECKPOINTS = ("base_like", "small_like", "medium_small_like", "gamma4")
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "naive", "##ly"]


def convert(source: Path, target: Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["convert", str(source), str(target)])


def variables_of(name: str) -> dict[str, np.ndarray]:
    """The variables of a checkpoint, as TensorFlow's own reader gave them."""
    return dict(np.load(FIXTURES / name / "weights.npz"))


def write_checkpoint(prefix: Path, variables: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint with TensorFlow itself."""
    import tensorflow as tf

    names = list(variables)
    tensors = [tf.constant(variables[name]) for name in names]
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors
    )


def assert_authors_outputs(folder: Path, name: str) -> None:
    """Compare what a converted discriminator says with what the authors' code said, padded positions included."""
    expected = {
        key: torch.from_numpy(value) for key, value in np.load(FIXTURES / name / "expected.npz").items()
    }
    model = ConvBertForPreTraining.from_pretrained(folder)
    with torch.no_grad():
        output = model(
            expected["input_ids"], expected["input_mask"], expected["segment_ids"], output_hidden_states=True
        )
    torch.testing.assert_close(output.logits, expected["discriminator_logits"], atol=1e-5, rtol=0)
    torch.testing.assert_close(output.hidden_states[-1], expected["sequence_output"], atol=1e-5, rtol=0)
