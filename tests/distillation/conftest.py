from collections.abc import Iterator

import pytest
import torch

from tiny_distillation import Parties, make_parties


@pytest.fixture(scope="session")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return make_parties(tmp_path_factory.mktemp("distillation"))


@pytest.fixture
def float64() -> Iterator[None]:
    """Make and load models in float64 within a test."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Runs set the number of threads; the tests after these keep theirs."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
