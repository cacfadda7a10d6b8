"""Which stages there are, how long each may take, and what an item of a stage is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

MINUTE = 60.0
# A machine is lent for so long in all, and a command on it may take so long.
ALL_MINUTES, CALL_MINUTES = 30.0, 10.0


@dataclass(frozen=True)
class Stage:
    """A stage; `module` is a Python module with a function items(plan) that returns its items."""

    key: str
    title: str
    module: str
    # Guessed, not measured: how long it takes on an H100, and when it is ended.
    estimated_minutes: float
    limit_minutes: float
    # What must travel: "packages", "teacher", "texts", or names of data sources.
    needs: tuple[str, ...] = ()


STAGES: dict[str, Stage] = {
    stage.key: stage
    for stage in (
        Stage("a", "device, driver, versions", "gpu_stages.environment", 0.3, 2, ("packages",)),
        Stage("b", "tests and parity on the device", "gpu_stages.checks", 2.5, 5, ("packages",)),
        Stage("c", "speed and memory beside transformers", "gpu_stages.speed", 5.5, 7, ("packages",)),
        Stage(
            "d", "five heads fine-tuned, five seeds", "gpu_stages.heads", 8.5, 9,
            ("packages", "reviews", "wikipedia", "factbook", "tweets", "recipes"),
        ),
        Stage(
            "e", "lessons 08 to 15 on the device", "gpu_stages.lessons", 5.0, 6,
            ("packages", "reviews", "wikipedia", "factbook", "tweets", "recipes"),
        ),
        Stage(
            "f", "distillation of the larger student", "gpu_stages.distillation", 4.0, 4.5,
            ("packages", "teacher", "texts"),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What the stages are to do: on which device, in earnest or as a rehearsal."""

    device: torch.device
    rehearse: bool
    # Bytes of the card's memory, or what is pretended to be; None: a CPU, where nothing is shrunk.
    memory: int | None
    # Where files go that shall come back.
    out: Path
    # Seconds that this process may take in all.
    seconds: float


@dataclass(frozen=True)
class Item:
    """One thing to measure; `run` returns it as plain JSON values. It is ended after `limit` seconds."""

    name: str
    run: Callable[[], dict[str, Any]]
    limit: float = 120.0


class NotThereYet(Exception):
    """What an item needs has not been built yet; nothing is wrong."""


def chosen_stages(text: str) -> list[Stage]:
    """Return the stages of "a,b" or "all", in their order; ValueError, listing all, for an unknown one."""
    keys = list(STAGES) if text == "all" else [key.strip() for key in text.split(",") if key.strip()]
    unknown = [key for key in keys if key not in STAGES]
    if unknown or not keys:
        known = ", ".join(f"{key} ({stage.title})" for key, stage in STAGES.items())
        raise ValueError(f"there is no stage {', '.join(unknown) or repr(text)}; choose among {known}")
    return [stage for key, stage in STAGES.items() if key in keys]


def as_calls(stages: list[Stage], minutes: float = CALL_MINUTES) -> list[list[Stage]]:
    """Divide stages into calls of at most `minutes` each by their estimates, in their order.

    The teacher leaves no room for the data's wheels: the stage that needs it has a call of its own.
    """
    calls: list[list[Stage]] = []
    for stage in stages:
        last = calls[-1] if calls else []
        estimated = sum(each.estimated_minutes for each in last) + stage.estimated_minutes
        alone = any("teacher" in each.needs for each in [*last, stage])
        if last and estimated <= minutes and not alone:
            last.append(stage)
        else:
            calls.append([stage])
    return calls


def describe(stages: list[Stage]) -> str:
    """Return the stages as a table, in calls, with their estimated times and limits."""
    lines = [f"{'call':<5} {'stage':<42} {'estimated':>10} {'ended after':>12}"]
    for number, call in enumerate(as_calls(stages), start=1):
        for stage in call:
            name = f"({stage.key}) {stage.title}"
            lines.append(
                f"{number:<5} {name:<42} {stage.estimated_minutes:>6.1f} min {stage.limit_minutes:>8.1f} min"
            )
    total = sum(stage.estimated_minutes for stage in stages)
    lines.append(f"together {total:.1f} minutes by estimate (not measured); {ALL_MINUTES:.0f} are to be had")
    return "\n".join(lines)
