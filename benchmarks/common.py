"""Timing candidates side by side, so that a busy or warming machine treats them all alike; memory; intervals."""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from scipy.stats import t as student
from torch import Tensor

from convbert_edu.files import atomic_write

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


def interval(scores: list[float]) -> str:
    """Return mean and half-width of the 95% interval of the mean as text."""
    if len(scores) < 2:
        return f"{scores[0]:.3f}"
    half = student.ppf(0.975, len(scores) - 1) * statistics.stdev(scores) / len(scores) ** 0.5
    return f"{statistics.mean(scores):.3f} ± {half:.3f}"


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
