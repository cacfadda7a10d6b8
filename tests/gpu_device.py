"""The device of the tests that need a GPU: a rehearsal on a CPU names that one instead."""

import os

# benchmarks/gpu_stages/checks.py sets both.
TEST_DEVICE = os.environ.get("CONVBERT_EDU_TEST_DEVICE", "cuda")
EXAMPLES = int(os.environ.get("CONVBERT_EDU_TEST_EXAMPLES", "15"))
