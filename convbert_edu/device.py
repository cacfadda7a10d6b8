"""The one place that knows which devices exist, and what each is fast at (lessons 14 and 15)."""

import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch


def find_device(name: str | None = None) -> torch.device:
    """Return the device to compute on: `name` if given, else a CUDA GPU, else Apple's GPU (mps), else the CPU.

    Under `torchrun` each process takes the GPU whose number is its LOCAL_RANK.
    Raises ValueError when `name` asks for hardware that this machine does not have, or is no name of a device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        name = next(kind for kind, present in available.items() if present)
    kind = name.split(":")[0]
    if not available.get(kind, False):
        present = [kind for kind, there in available.items() if there]
        raise ValueError(f"device {name!r} is not available here; choose one of {present}, or leave it out")
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    try:
        device, count = torch.device(name), torch.cuda.device_count()
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is no name of a device; write {kind}, or {kind}:0") from error
    if kind == "cuda" and device.index >= count:
        raise ValueError(f"there is no GPU number {device.index} here; {count} are present, counted from 0")
    return device


def supports_bfloat16(device: torch.device) -> bool:
    """Say whether bfloat16 arithmetic is fast on `device`, so that autocast pays."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # Only processors with bfloat16 matrix units gain; on others it is emulated and slower.
        return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return False


# What `autocast` takes, and every setting of that name.
PRECISIONS = ("auto", "float32", "bfloat16")


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context in which matrix products run in bfloat16: with "bfloat16", or "auto" where that is fast.

    With "float32" nothing changes. Raises ValueError for another word.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; choose one of {', '.join(PRECISIONS)}")
    wanted = precision == "bfloat16" or (precision == "auto" and supports_bfloat16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def full_precision(device: torch.device) -> AbstractContextManager:
    """Return a context in which autocast, if it is on, leaves the precision of numbers as it is."""
    if device.type == "meta":
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def at_least_float32(tensor: torch.Tensor) -> torch.Tensor:
    """Return bfloat16 and float16 as float32, so that a loss is not rounded to half precision; others as they are."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def fused_attention_pays(device: torch.device, dtype: torch.dtype, dropout: float) -> bool:
    """Say whether a model that learns is faster with PyTorch's fused attention than with the same sums step by step.

    On CPUs there is no fused attention with dropout, and its backward pass is slow in bfloat16: benchmarks/parts.py
    prints by how much. Without gradients fused attention is the faster one everywhere.
    """
    return device.type != "cpu" or (dropout == 0 and dtype == torch.float32)


def draws_one_by_one(device: torch.device) -> bool:
    """Say whether `device` makes random numbers one after the other, so that it pays to ask for few of them."""
    return device.type == "cpu"


def to_device(batch: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """Return a batch on `device`, without waiting for what is still queued there.

    A copy from ordinary memory makes the CPU wait until a GPU has done all its work; one from pinned memory does not.
    """
    if device.type != "cuda":
        return {name: tensor.to(device) for name, tensor in batch.items()}
    return {name: tensor.pin_memory().to(device, non_blocking=True) for name, tensor in batch.items()}


def make_current(device: torch.device) -> None:
    """Let operations that name no device use this GPU: NCCL's exchange of Python objects is one of them."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


# Variables of the environment with which a program sees no GPU, but the CPU alone.
WITHOUT_GPU = {"CUDA_VISIBLE_DEVICES": ""}

# Measuring: what the card is, how long something takes on it, how much memory that needs. Work on a GPU is only queued
# when a line of Python has run; so a clock of the CPU alone would time the queueing.


@dataclass(frozen=True)
class DeviceFacts:
    """What is known about a device; memory is None where the device is not a card with memory of its own."""

    name: str
    kind: str
    memory_bytes: int | None
    capability: str | None


def device_facts(device: torch.device) -> DeviceFacts:
    """Return name, kind, memory and compute capability of a device."""
    if device.type != "cuda":
        return DeviceFacts(platform.processor() or platform.machine(), device.type, None, None)
    known = torch.cuda.get_device_properties(device)
    return DeviceFacts(known.name, device.type, known.total_memory, f"{known.major}.{known.minor}")


def synchronize(device: torch.device) -> None:
    """Wait until `device` has done all that was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def seconds_of(run: Callable[[], Any], device: torch.device) -> float:
    """Return how long one call takes on `device`: by its own clock (CUDA events) where it has one."""
    synchronize(device)
    if device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000
    began = time.perf_counter()
    run()
    synchronize(device)
    return time.perf_counter() - began


def reset_peak_memory(device: torch.device) -> None:
    """Give back what nobody uses any more, and start to look for the peak again."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int | None:
    """Return the most bytes that tensors took on `device` since `reset_peak_memory`; None where nobody counts."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


@contextmanager
def exact_float32() -> Iterator[None]:
    """Compute float32 as float32 inside this block: without it a GPU may round the inputs of products to TF32.

    TF32 keeps 10 bits of each number. PyTorch uses it in convolutions unless it is told not to.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


@contextmanager
def count_waits(device: torch.device) -> Iterator[list[str]]:
    """Collect the places where the CPU waited for a GPU inside this block; the list stays empty on other devices."""
    places: list[str] = []
    if device.type != "cuda":
        yield places
        return
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield places
        finally:
            torch.cuda.set_sync_debug_mode(before)
    places += [
        f"{each.filename.rpartition('convbert_edu/')[2]}:{each.lineno}"
        for each in seen
        if "synchroniz" in str(each.message)
    ]
