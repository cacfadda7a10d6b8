"""Settings of every test: types and shapes are checked as the package runs, and a run repeats exactly."""

import os
from collections.abc import Iterator

# Read when the libraries are first imported, so they come before anything else.
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test needs the network
os.environ.setdefault("TQDM_DISABLE", "1")

import jaxtyping

# From here on each function of the package checks its annotations, tensor shapes included, on every call.
# Only modules imported later are covered: nothing above this line may import the package.
jaxtyping.install_import_hook("convbert_edu", "typechecking.check")

import hypothesis
import matplotlib
import pytest
import torch

matplotlib.use("agg")
torch.set_num_threads(1)  # the tensors are so small that a second thread costs more than it gains

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked `gpu` where there is no CUDA GPU; where there is one they run without being asked."""
    if torch.cuda.is_available():
        return
    needs_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if needs_gpu:
        config.hook.pytest_deselected(items=needs_gpu)
        items[:] = [item for item in items if item not in needs_gpu]


@pytest.fixture
def as_a_user() -> Iterator[None]:
    """Switch the checks of annotations off, so that wrong arguments meet the package's own errors, as in real use."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
