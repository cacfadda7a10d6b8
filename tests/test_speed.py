"""Are we slower than transformers? Ratios of times taken in turns, with a wide margin; and of memory, which is exact.

The figures themselves come from `make bench`.
"""

import pytest
import torch

from common import NO_DROPOUT
from convbert_edu.device import find_device
from memory import kept_bytes, make
from speed import Workload, measure


@pytest.mark.slow
@pytest.mark.usefixtures("as_a_user")  # checks of shapes would be timed too
@pytest.mark.parametrize("train", [False, True], ids=["forward", "training step"])
def test_the_encoder_is_faster_than_that_of_transformers(train: bool):
    found = measure(Workload("tiny", 32, 128, train=train), repeats=5, compiled=False, device=find_device())
    assert found["convbert_edu"] < 0.95 * found["transformers"], found
    assert found["convbert_edu"] > found["floor"] > 0, found


def test_training_keeps_at_most_0_6_of_what_transformers_keeps():
    torch.manual_seed(0)
    ours, theirs = (
        kept_bytes(make(side, num_hidden_layers=1, **NO_DROPOUT), batch=1)
        for side in ("convbert_edu", "transformers")
    )
    assert 0 < ours < 0.6 * theirs
