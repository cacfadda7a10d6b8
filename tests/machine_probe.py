"""Say how this process computes: python tests/machine_probe.py prints its instructions, threads and some last bits."""

import json

import torch
from torch import Tensor
from torch.nn import functional as F


def bits(result: Tensor) -> str:
    """Return the sum of squares of a result, in digits that show each of its bits."""
    return float(result.double().square().sum()).hex()


def probe() -> dict[str, object]:
    """Return what the switches of tests/machines.py change; the numbers that go in are the same everywhere."""
    draw = torch.Generator().manual_seed(0)
    wide, narrow = torch.randn(96, 200, generator=draw), torch.randn(200, 128, generator=draw)
    channels, filters = torch.randn(2, 32, 64, generator=draw), torch.randn(48, 32, 5, generator=draw)
    many = torch.randn(2**20, generator=draw)
    return {
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "mkl": torch.backends.mkl.is_available(),
        "onednn": torch.backends.mkldnn.is_available(),
        "bits": {
            "product": bits(wide @ narrow),
            "convolution": bits(F.conv1d(channels, filters)),
            "softmax": bits(torch.softmax(wide, dim=-1)),
            "long sum": bits(many.sum()),
        },
    }


if __name__ == "__main__":
    print(json.dumps(probe()))
