"""What the benchmarks share: timing candidates side by side, so that a busy or warming machine treats them all alike;
memory; intervals; the folder and the curves of a run; the machine."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from scipy.stats import t as student
from torch import Tensor

from convbert_edu import __version__
from convbert_edu.files import atomic_write
from convbert_edu.training.run_folder import RunLog

Result = TypeVar("Result")
# Fields of a configuration.
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def compare(candidates: Mapping[str, Callable[[], None]], repeats: int = 7) -> dict[str, dict[str, float]]:
    """Time each candidate `repeats` times and return {name: {"best": seconds, "median": seconds}}.

    Every round runs all candidates once, each round starting with another one; a first round is not counted.
    """
    names = list(candidates)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(-1, repeats):
        for turn in range(len(names)):
            name = names[(round_number + turn) % len(names)]
            elapsed = _time(candidates[name])
            if round_number >= 0:
                seconds[name].append(elapsed)
    return {name: {"best": min(all_), "median": statistics.median(all_)} for name, all_ in seconds.items()}


def kept_for_backward(run: Callable[[], Result], weights: Iterable[Tensor]) -> tuple[Result, list[Tensor]]:
    """Return what `run` returns, and the tensors that autograd keeps meanwhile: each piece of memory once, no weights.

    Count them while the result is alive, or they are given back.
    """
    of_weights = {each.untyped_storage().data_ptr() for each in weights}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = run()
    return result, [tensor for address, tensor in kept.items() if address not in of_weights]


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Return how much memory lies under some tensors."""
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def mean_and_half(scores: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95% interval, which a single score does not have: 0."""
    if len(scores) < 2:
        return scores[0], 0.0
    half = student.ppf(0.975, len(scores) - 1) * statistics.stdev(scores) / len(scores) ** 0.5
    return statistics.mean(scores), half


def interval(scores: Sequence[float]) -> str:
    """Return mean and half-width of the 95% interval of the mean as text."""
    mean, half = mean_and_half(scores)
    return f"{mean:.3f} ± {half:.3f}" if len(scores) > 1 else f"{mean:.3f}"


def markdown_table(heads: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *cells))


def linked_folder(work: Path, name: str) -> Path:
    """Return the folder `name` inside `work`, made with a link to the corpus there: runs that share one text."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "corpus").exists():
        (folder / "corpus").symlink_to((work / "corpus").resolve(), target_is_directory=True)
    return folder


def curves(
    lines: Iterable[Mapping[str, Any]], names: Sequence[str], digits: int = 4
) -> dict[str, list[float]]:
    """Return the numbers `names` of those lines of a log that have the first of them, with their steps."""
    having = [line for line in lines if names[0] in line]
    steps = {"step": [line["step"] for line in having]}
    return steps | {name: [round(line[name], digits) for line in having] for name in names}


def held_out_curves(log: Path) -> dict[str, list[float]]:
    """Return what a run measured on held-out text on its way, as its log tells."""
    lines = [line for line in RunLog(log).lines() if "held_out" in line]
    names = list(lines[0]["held_out"]) if lines else ["masked_lm_loss"]
    return curves([{"step": line["step"], **line["held_out"]} for line in lines], names)


def machine() -> dict[str, Any]:
    """Return what a time or a number may depend on: processor, cores, system, versions."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": named[0] if named else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "convbert_edu": __version__,
    }


def print_table(title: str, results: Mapping[str, Mapping[str, float]], baseline: str) -> None:
    """Print the results with their ratios to the candidate `baseline`; under 1 is faster than the baseline."""
    print(f"\n{title}\n{'':24}{'best':>10}{'median':>10}{'best ratio':>12}{'median ratio':>14}")
    for name, result in results.items():
        best, median = result["best"], result["median"]
        ratios = best / results[baseline]["best"], median / results[baseline]["median"]
        print(f"{name:24}{best * 1e3:8.1f}ms{median * 1e3:8.1f}ms{ratios[0]:12.2f}{ratios[1]:14.2f}")


def write_json(path: str | os.PathLike, results: Mapping[str, object]) -> None:
    """Keep results in a file, with the versions and threads they were measured with."""
    with atomic_write(path, "w") as file:
        json.dump(
            {"torch": torch.__version__, "threads": torch.get_num_threads(), "results": results},
            file,
            indent=2,
        )


def _time(run: Callable[[], None]) -> float:
    """The seconds that one call takes, work still queued on an accelerator included."""
    _wait()
    start = time.perf_counter()
    run()
    _wait()
    return time.perf_counter() - start


def _wait() -> None:
    """Wait until the accelerator, if there is one, has finished."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
