"""What this machine has, what is missing, and what to do about it: the command `convbert-edu doctor`."""

import os
import platform
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from convbert_edu.data.datasets.download import cache_folder
from convbert_edu.data.datasets.sources import SOURCES, is_cached, wheel_path

_GIGABYTE = 10**9
# For torch, a small model and its batches.
_ENOUGH_MEMORY = 2 * _GIGABYTE
# For the data and some checkpoints.
_ENOUGH_DISK = 1 * _GIGABYTE


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` says what to do and is empty where all is well."""

    what: str
    value: str
    remedy: str = ""
    # True where nothing works without the remedy.
    essential: bool = False


def examine() -> list[Finding]:
    """Look at the Python packages, the hardware and the cached data of this machine."""
    return [
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *_packages(),
        *_hardware(),
        _memory(),
        _disk(),
        *_data(),
    ]


def _packages() -> list[Finding]:
    """Compare what is installed with what the package itself, and its extra for notebooks, ask for."""
    try:
        requirements = requires("convbert-edu") or []
    except PackageNotFoundError:
        remedy = "run `pip install -e .` in the folder that holds pyproject.toml"
        return [Finding("convbert-edu", "not installed", remedy, essential=True)]
    findings = []
    for requirement in requirements:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
        if extra and extra[1] != "notebooks":
            continue
        try:
            findings.append(Finding(name, version(name)))
        except PackageNotFoundError:
            wanted = requirement.split(";")[0].strip()
            reason = "not installed (only the notebooks need it)" if extra else "not installed"
            findings.append(Finding(name, reason, f'run `pip install "{wanted}"`', essential=not extra))
    return findings


def _hardware() -> list[Finding]:
    """Ask torch for the device and its abilities; a torch that is there may still fail to load."""
    try:
        import torch

        from convbert_edu.device import find_device, supports_bfloat16
    except (ImportError, OSError) as error:
        remedy = "install PyTorch as its website says for your system"
        return [Finding("device", f"unknown: torch cannot be loaded ({error})", remedy, essential=True)]
    device = find_device()
    bfloat16 = "yes" if supports_bfloat16(device) else "no, so float32 is used"
    return [
        Finding("device", str(device)),
        Finding("fast bfloat16", bfloat16),
        _threads(torch.get_num_threads()),
    ]


def _threads(wanted: int) -> Finding:
    """Compare PyTorch's threads with the limit that OpenMP is given.

    PyTorch (2.13) does not look at that limit. With fewer threads than it was promised, the convolutions of oneDNN
    leave sums out, or add what lay in memory: the gradient of the depthwise convolution is then wrong.
    """
    value = f"{wanted} of {os.cpu_count()} processors"
    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    if limit.isdigit() and 0 < int(limit) < wanted:
        remedy = f"unset OMP_THREAD_LIMIT and set OMP_NUM_THREADS={limit} instead: gradients are wrong otherwise"
        return Finding("threads", f"{value}, but OMP_THREAD_LIMIT={limit}", remedy)
    return Finding("threads", value)


def _memory() -> Finding:
    free = _free_memory()
    if free is None:
        return Finding("free memory", "unknown on this system")
    remedy = "" if free >= _ENOUGH_MEMORY else "close other programs before you open a lesson"
    return Finding("free memory", _gigabytes(free), remedy)


def _free_memory() -> int | None:
    """Return the bytes that new programs can have without swapping; None where the system does not say."""
    try:
        # On Linux.
        report = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    available = re.search(r"^MemAvailable: +(\d+) kB", report, re.MULTILINE)
    return int(available[1]) * 1024 if available else None


def _disk() -> Finding:
    folder = cache_folder()
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    value = f"{_gigabytes(free)} free for {folder}"
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        return Finding("cache", f"{folder} cannot be written", "set CONVBERT_EDU_CACHE to another folder")
    remedy = "" if free >= _ENOUGH_DISK else "free some space, or set CONVBERT_EDU_CACHE to another disk"
    return Finding("cache", value, remedy)


def _data() -> list[Finding]:
    findings = []
    for name in SOURCES:
        if is_cached(name):
            findings.append(Finding(f"data {name}", "cached"))
        else:
            state = "damaged" if wheel_path(name).exists() else "not cached yet"
            findings.append(Finding(f"data {name}", state, f"run `convbert-edu data fetch {name}`"))
    return findings


def _gigabytes(count: int) -> str:
    return f"{count / _GIGABYTE:.1f} GB"
