"""Several processes that train one model: which of them this one is, and adding up numbers over all (lesson 15).

Start them with `torchrun --nproc-per-node=2 -m convbert_edu pretrain ...`; a run that was started without torchrun is
one process that is alone. It is not for machines with several GPUs only: on a CPU with two cores two processes of one
thread each (half the batch_size, threads=1) take the same steps as one process of two threads. Lesson 15 shows how to
measure which of the two is faster on your machine.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from convbert_edu.device import make_current


@dataclass(frozen=True)
class DistributedContext:
    """The processes of a run, seen from one of them."""

    # Which of the processes this is, and how many there are.
    rank: int = 0
    world_size: int = 1

    @property
    def is_main_process(self) -> bool:
        """Whether this is the one that writes files and draws progress bars."""
        return self.rank == 0

    def all_reduce(self, numbers: list[float], device: torch.device) -> list[float]:
        """Return each number added up over all processes; all of them must call this together."""
        if self.world_size == 1:
            return numbers
        tensor = torch.tensor(numbers, dtype=torch.float64, device=device)
        dist.all_reduce(tensor)
        return tensor.tolist()

    def gather(self, value: Any) -> list[Any]:
        """Return the value of every process, in the order of their ranks; all of them must call this together."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def barrier(self, device: torch.device) -> None:
        """Wait until all processes have called this."""
        self.all_reduce([0.0], device)

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return `model` such that each backward pass ends with the gradients' mean over all processes."""
        return model if self.world_size == 1 else DistributedDataParallel(model)


def no_sync(model: nn.Module, wanted: bool) -> AbstractContextManager:
    """Within this block, if `wanted`, gradients are not exchanged: only the last micro-batch of a step does that."""
    return model.no_sync() if wanted and isinstance(model, DistributedDataParallel) else nullcontext()


@contextmanager
def init_distributed(device: torch.device) -> Iterator[DistributedContext]:
    """Join the processes that torchrun started, if it did, and leave them at the end.

    Where that has been done already (several runs in one program), they stay together. What was wrapped must be out of
    reach when the block ends: make it in a function that the block calls.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield DistributedContext()
        return
    if dist.is_initialized():
        yield DistributedContext(dist.get_rank(), dist.get_world_size())
        return
    # gloo for CPUs, nccl for NVIDIA's GPUs.
    make_current(device)
    dist.init_process_group(dist.get_default_backend_for_device(device))
    try:
        yield DistributedContext(dist.get_rank(), dist.get_world_size())
    finally:
        # A wrapped model that is still there keeps gloo's threads alive, and one that lets go of a gradient while
        # Python shuts down ends the process with SIGABRT. They end with the last model, so that none may be left.
        gc.collect()
        dist.destroy_process_group()
