"""Stage (c): forward pass and training step beside transformers, eager and compiled; memory beside the formula."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import transformers
from torch import nn

from convbert_edu import ConvBertConfig, ConvBertModel
from convbert_edu.checkpoints.folder import bundled_models
from convbert_edu.device import (
    autocast,
    exact_float32,
    peak_memory,
    reset_peak_memory,
    seconds_of,
    supports_bfloat16,
)
from convbert_edu.extras.memory import MemoryEstimate, training_memory
from convbert_edu.training.optimizer import make_optimizer
from finetune_cases import MINI
from gpu_stages import steps
from gpu_stages.plan import Item, Plan

SIDES = ("transformers", "convbert_edu")
# transformers' model unfolds the windows and keeps maps, so that both sides fit where ours takes this share.
SHARE_OF_MEMORY = 0.25


@dataclass(frozen=True)
class Workload:
    """What is timed: a forward pass, or a training step with clipping and AdamW; dropout as in the configuration."""

    size: str
    batch: int
    seq: int
    train: bool = False
    precision: str = "float32"
    compiled: bool = False
    # None: as many as the model has. A compiler takes its time for each layer.
    layers: int | None = None

    @property
    def name(self) -> str:
        """The name of the item."""
        kind = "training step" if self.train else "forward"
        layers = f", {self.layers} layers" if self.layers else ""
        compiled = ", compiled" if self.compiled else ""
        return f"{kind}, {self.size}{layers}, {self.batch} x {self.seq}, {self.precision}{compiled}"


def _workloads() -> list[Workload]:
    """All workloads, those that need the compiler last."""
    found = []
    for precision in ("bfloat16", "float32"):
        for size, batch in (("base", 32), (MINI, 128)):
            for train in (False, True):
                found.append(Workload(size, batch, 128, train, precision))
    for size, batch, seq in (("base", 8, 512), (MINI, 32, 512), ("base", 2, 2048), (MINI, 1, 8192)):
        found += [Workload(size, batch, seq, train, "bfloat16") for train in (False, True)]
    for size, batch, layers in ((MINI, 128, None), ("base", 32, 4)):
        for train in (True, False):
            found.append(Workload(size, batch, 128, train, "bfloat16", compiled=True, layers=layers))
    return found


WORKLOADS = _workloads()


def items(plan: Plan) -> list[Item]:
    """Return one item for each workload, and those about the step itself: waits, changing lengths, pretraining."""
    eager = [each for each in WORKLOADS if not each.compiled]
    compiled = [each for each in WORKLOADS if each.compiled]
    return [
        *(Item(each.name, lambda each=each: measure(each, plan), 90) for each in eager),
        Item("waits of a training step", lambda: steps.waits(plan), 60),
        Item("pretraining step, small", lambda: steps.pretraining(plan), 90),
        *(Item(each.name, lambda each=each: measure(each, plan), 150) for each in compiled),
        Item("compiled, changing lengths", lambda: steps.changing_lengths(plan), 150),
    ]


def configuration(workload: Workload) -> ConvBertConfig:
    """Return the configuration of a workload; convbert-mini's shape where the model itself is not there yet."""
    changes: dict[str, Any] = {"max_position_embeddings": max(512, workload.seq)}
    if workload.layers:
        changes["num_hidden_layers"] = workload.layers
    if workload.size == "base":
        return ConvBertConfig.base(**changes)
    if MINI in bundled_models():
        return ConvBertConfig.from_pretrained(MINI, **changes)
    sizes = dict(
        vocab_size=30522, embedding_size=128, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
        intermediate_size=1536, pad_token_id=0,
    )  # fmt: skip
    return ConvBertConfig(**sizes | changes)


def rehearsal_of(workload: Workload) -> Workload:
    """Return the same workload in a size for a CPU."""
    return replace(workload, batch=2, seq=16, layers=1)


def small(config: ConvBertConfig) -> ConvBertConfig:
    """Return a configuration of the same kind for a rehearsal."""
    return replace(
        config, vocab_size=500, hidden_size=48, embedding_size=48 if config.embedding_size == 768 else 16,
        num_attention_heads=4, intermediate_size=96,
    )  # fmt: skip


def fit(
    workload: Workload, memory: int | None, config: ConvBertConfig
) -> tuple[Workload, MemoryEstimate, str | None]:
    """Return the workload with as many rows as a card of `memory` bytes can take, and what was changed.

    Raises MemoryError where not even one row fits.
    """
    given, allowed = workload, None if memory is None else SHARE_OF_MEMORY * memory
    while True:
        estimate = training_memory(config, workload.batch, workload.seq, workload.precision)
        if allowed is None or estimate.total <= allowed:
            break
        if workload.batch == 1:
            raise MemoryError(
                f"one row of {workload.seq} tokens takes {estimate.total / 1e9:.2f} GB by the formula; of the "
                f"card's {memory / 1e9:.2f} GB this stage uses {SHARE_OF_MEMORY:.0%}"
            )
        workload = replace(workload, batch=workload.batch // 2)
    said = f"{workload.batch} rows in place of {given.batch}: the card has {(memory or 0) / 1e9:.2f} GB"
    return workload, estimate, said if workload != given else None


def measure(workload: Workload, plan: Plan) -> dict[str, Any]:
    """Return seconds and peak memory of both sides, beside the formula; smaller where the memory does not suffice."""
    if workload.precision == "bfloat16" and not (supports_bfloat16(plan.device) or plan.rehearse):
        return {"left out": "this device is not fast at bfloat16"}
    config = configuration(workload)
    if plan.rehearse:
        workload = rehearsal_of(workload)
        config = small(replace(config, num_hidden_layers=1))
    workload, estimate, shrunk = fit(workload, plan.memory, config)
    while True:
        try:
            found = _both_sides(workload, config, plan)
            break
        except torch.OutOfMemoryError:
            if workload.batch == 1:
                raise
            workload = replace(workload, batch=workload.batch // 2)
            shrunk = f"{workload.batch} rows: more did not fit, whatever the formula said"
            estimate = training_memory(config, workload.batch, workload.seq, workload.precision)
    found |= {"batch": workload.batch, "seq": workload.seq, "parameters": estimate.parameters // 4}
    if workload.train:
        found["memory_by_formula"] = estimate.to_dict()
    return found | ({"shrunk": shrunk} if shrunk else {})


def _both_sides(workload: Workload, config: ConvBertConfig, plan: Plan) -> dict[str, Any]:
    """Measure memory with one side alone on the device, and time with both in turn."""
    peaks: dict[str, int | None] = {}
    for side in SIDES if not workload.compiled else ():
        reset_peak_memory(plan.device)
        run = make_run(make_model(side, config, plan), workload, plan)
        for _ in range(2):
            run()
        peaks[side] = peak_memory(plan.device)
        del run
    reset_peak_memory(plan.device)
    runs = {}
    for side in SIDES:
        model = make_model(side, config, plan)
        if workload.compiled:
            torch.compiler.reset()
            model = torch.compile(model, backend="eager" if plan.rehearse else "inductor")
        runs[side] = make_run(model, workload, plan)
    with exact_float32():
        seconds = medians(runs, plan.device, rounds=2 if plan.rehearse else 15)
    tokens = workload.batch * workload.seq
    return {
        "seconds": seconds,
        "tokens_per_second": {side: round(tokens / value) for side, value in seconds.items()},
        "ours_over_theirs": seconds["convbert_edu"] / seconds["transformers"],
        "peak_memory": peaks,
    }


def make_model(side: str, config: ConvBertConfig, plan: Plan) -> nn.Module:
    """Return the encoder of one side on the device, with random weights."""
    with torch.device(plan.device):
        if side == "convbert_edu":
            return ConvBertModel(config)
        return transformers.ConvBertModel(transformers.ConvBertConfig.from_dict(config.to_dict()))


def make_run(model: nn.Module, workload: Workload, plan: Plan) -> Callable[[], None]:
    """Return a function that does the workload once with `model`."""
    model.train(workload.train)
    ids = torch.randint(2, model.config.vocab_size, (workload.batch, workload.seq), device=plan.device)
    mask = torch.ones_like(ids)
    parameters = list(model.parameters())
    optimizer = make_optimizer(model, 1e-5) if workload.train else None

    def run() -> None:
        with torch.set_grad_enabled(workload.train), autocast(workload.precision, plan.device):
            states = model(ids, attention_mask=mask).last_hidden_state
        if optimizer is not None:
            states.float().square().mean().backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return run


def medians(
    runs: Mapping[str, Callable[[], None]], device: torch.device, rounds: int, warm_up: int = 3
) -> dict[str, float]:
    """Time each candidate in turn, `rounds` times after a warm-up, and return the median seconds of each."""
    for run in runs.values():
        for _ in range(min(warm_up, rounds)):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(seconds_of(run, device))
    return {name: statistics.median(found) for name, found in seconds.items()}
