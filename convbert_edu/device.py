"""The one place that knows which devices exist, and what each is fast at (lessons 14 and 15)."""

import os
from contextlib import AbstractContextManager, nullcontext

import torch


def find_device(name: str | None = None) -> torch.device:
    """Return the device to compute on: `name` if given, else a CUDA GPU, else Apple's GPU (mps), else the CPU.

    Under `torchrun` each process takes the GPU whose number is its LOCAL_RANK.
    Raises ValueError when `name` asks for hardware that this machine does not have.
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
    device, count = torch.device(name), torch.cuda.device_count()
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


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context in which matrix products run in bfloat16: with "bfloat16", or "auto" where that is fast.

    With "float32" nothing changes.
    """
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
