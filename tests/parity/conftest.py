"""Settings of the parity tests."""

from collections.abc import Iterator

import pytest
import torch
import transformers

transformers.logging.set_verbosity_error()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors here are so small that threads cost more than they gain, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
