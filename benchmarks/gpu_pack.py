"""Pack what must travel to a machine with a GPU and no network: build/gpu-pack/call-1, call-2, ..., with all sizes.

    python benchmarks/gpu_pack.py

Carry one of these folders beside the project's files for each call of benchmarks/gpu.py.
"""

import sys
from pathlib import Path

from gpu_stages.packing import Packer
from gpu_stages.plan import STAGES

ROOT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    try:
        print(Packer(ROOT, ROOT / "build" / "gpu-pack").pack(list(STAGES.values())))
    except ValueError as error:
        sys.exit(str(error))
