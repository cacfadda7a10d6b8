"""Settings of every test: types and shapes are checked as the package runs, and a run repeats exactly."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

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
# The tensors are so small that a second thread costs more than it gains. tests/machines.py asks for more.
THREADS = int(os.environ.get("TEST_THREADS", "1"))
torch.set_num_threads(THREADS)

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")


# Marks of tests that need what not every machine has; where it is there they run without being asked.
NEEDS = {
    # A rehearsal of benchmarks/gpu.py names another device, the CPU.
    "gpu": torch.cuda.is_available() or "CONVBERT_EDU_TEST_DEVICE" in os.environ,
    "tensorflow": importlib.util.find_spec("tensorflow") is not None,
    "nbgrader": (Path(sys.prefix) / "nbgrader").exists() or "CONVBERT_EDU_NBGRADER" in os.environ,
    "compiler": shutil.which(os.environ.get("CXX", "g++")) is not None,
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests whose mark names something that this machine does not have."""
    lacking = [mark for mark, there in NEEDS.items() if not there]
    left_out = [item for item in items if any(map(item.get_closest_marker, lacking))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_teardown() -> None:
    """Give the next test its number of threads again: a cell of a lesson that a test ran asks for two."""
    torch.set_num_threads(THREADS)


@pytest.fixture
def float64() -> Iterator[None]:
    """Compute in float64, for tests that compare whole runs: what rounding changes there stays below 1e-10.

    Models are made and loaded in this precision; give their settings precision="float32", which leaves it alone.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def as_a_user() -> Iterator[None]:
    """Switch the checks of annotations off, so that wrong arguments meet the package's own errors, as in real use."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
