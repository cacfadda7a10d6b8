"""Stage (a): the device, the driver, the versions, and what is missing."""

import importlib.metadata
import platform
import re
import shutil
import subprocess
import tomllib
from dataclasses import asdict
from typing import Any

import torch

from convbert_edu.data.datasets.sources import SOURCES, is_cached
from convbert_edu.device import device_facts, seconds_of, supports_bfloat16
from gpu_stages.plan import Item, Plan
from gpu_stages.watch import ROOT

ASK_THE_DRIVER = "driver_version,memory.total,clocks.max.sm,power.limit"
# What the stages import, beside what the package itself asks for.
ALSO_NEEDED = ("pytest", "hypothesis", "beartype", "transformers")


def items(plan: Plan) -> list[Item]:
    """Return what this stage looks at."""
    return [
        Item("device", lambda: device(plan)),
        Item("versions", versions),
        Item("data", lambda: {name: is_cached(name) for name in SOURCES}),
        Item("matrix product", lambda: matrix_product(plan)),
    ]


def device(plan: Plan) -> dict[str, Any]:
    """Return what the card and its driver say of themselves."""
    facts = asdict(device_facts(plan.device)) | {"fast_bfloat16": supports_bfloat16(plan.device)}
    if shutil.which("nvidia-smi"):
        asked = subprocess.run(
            ["nvidia-smi", f"--query-gpu={ASK_THE_DRIVER}", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        facts["driver"] = dict(zip(ASK_THE_DRIVER.split(","), asked.stdout.strip().split(", "), strict=False))
    return facts


def versions() -> dict[str, Any]:
    """Return the versions of what is used, what is missing, and what is older than the project asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = {"python": platform.python_version()}
    missing, older = [], []
    for requirement in [*project["dependencies"], *ALSO_NEEDED]:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        oldest = re.search(r">=([\d.]+)", requirement)
        if oldest and _numbers(found[name]) < _numbers(oldest[1]):
            older.append(f"{name} is {found[name]}, and at least {oldest[1]} is asked for")
    return {"found": found, "missing": missing, "older": older, "built_for": torch.version.cuda or "CPU"}


def matrix_product(plan: Plan) -> dict[str, float]:
    """Return how fast the device multiplies large matrices: what other times are to be seen beside."""
    size = 256 if plan.rehearse else 8192
    speeds = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = (torch.randn(size, size, device=plan.device, dtype=dtype) for _ in range(2))
        left @ right
        best = min(seconds_of(lambda pair=(left, right): pair[0] @ pair[1], plan.device) for _ in range(10))
        speeds[f"teraflops_{str(dtype).removeprefix('torch.')}"] = round(2 * size**3 / best / 1e12, 4)
    return {"size": size, **speeds}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
