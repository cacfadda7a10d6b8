"""Stage (d): each of the five heads fine-tuned on the course's data, five seeds, by finetune_cases.py's settings."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from convbert_edu import ConvBertConfig
from convbert_edu.checkpoints.folder import bundled_models
from convbert_edu.data import Splits
from convbert_edu.device import peak_memory, reset_peak_memory
from convbert_edu.extras.memory import training_memory
from convbert_edu.finetuning.data_sources import load_data
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import make_task
from finetune_all import one_run
from finetune_cases import ALWAYS, MASKED_LM, MINI, TINY
from gpu_stages.plan import Item, Plan

# The case of finetune_cases.py for each head but masked language modelling, which has none there.
HEADS = {
    "sequence classification": "reviews:rt",
    "token classification": "tweets",
    "question answering": "factbook:qa",
    "multiple choice": "wikipedia:choice",
}
WORDS_HEAD, WORDS_DATA = "masked language modelling", "recipes"
# Those of lesson 13.
WORDS_SETTINGS = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "layer_decay": 1.0, "max_length": 64}
SEEDS = 5
EXAMPLES_OF_REHEARSAL = 6
# The longest rows and the largest batches of the cases; multiple choice reads four rows for each example.
LARGEST_BATCH, LONGEST = 4 * 32, 128


def items(plan: Plan) -> list[Item]:
    """Return one item for each head and seed; a first seed of all heads comes before the second."""
    load = cache(lambda name, task: shorten(load_data(name, task), plan))
    seeds = range(1 if plan.rehearse else SEEDS)
    return [
        Item(f"{head}, seed {seed}", lambda head=head, seed=seed: learn(head, seed, plan, load), limit=150)
        for seed in seeds
        for head in (*HEADS, WORDS_HEAD)
    ]


def shorten(splits: Splits, plan: Plan) -> Splits:
    """Return the data, a few examples of each split for a rehearsal."""
    if not plan.rehearse:
        return splits
    few = {name: getattr(splits, name)[:EXAMPLES_OF_REHEARSAL] for name in ("train", "validation", "test")}
    return replace(splits, **few)


def starting_point() -> str | None:
    """Return the larger bundled model; None, each case's own, as long as it is not there."""
    return MINI if MINI in bundled_models() else None


def learn(head: str, seed: int, plan: Plan, load: Callable[[str, str], Splits]) -> dict[str, Any]:
    """Fine-tune once; return the scores on the test split, seconds, and the peak memory.

    Raises MemoryError, before anything is loaded, where the card cannot take the largest batch by the formula.
    """
    model, data = starting_point(), HEADS.get(head, WORDS_DATA)
    config = ConvBertConfig.from_pretrained(model or MASKED_LM)
    estimate = training_memory(config, LARGEST_BATCH, LONGEST).total
    if plan.memory is not None and estimate > plan.memory:
        raise MemoryError(
            f"fine-tuning takes up to {estimate / 1e9:.2f} GB by the formula, and the card has "
            f"{plan.memory / 1e9:.2f} GB"
        )
    reset_peak_memory(plan.device)
    began, threads = time.perf_counter(), 1 if plan.rehearse else min(4, os.cpu_count() or 1)
    more = {"epochs": 1} if plan.rehearse else {}
    if head == WORDS_HEAD:
        more = {**more, "seed": seed, "threads": threads}
        scores = _learn_words(model or MASKED_LM, load, plan, more)
    else:
        scores = one_run(data, model or TINY, seed, "test", threads, load=load, more=more)
    return {
        "head": head,
        "data": data,
        "seed": seed,
        "model": model or "that of the case",
        "scores": {name: round(value, 4) for name, value in scores.items() if name != "cpu_seconds"},
        "seconds": round(time.perf_counter() - began, 1),
        "peak_memory": peak_memory(plan.device),
    }


def _learn_words(
    model: str, load: Callable[[str, str], Splits], plan: Plan, more: Mapping[str, Any]
) -> dict[str, float]:
    """Fine-tune for masked language modelling on recipes and return what the test split gives."""
    task = make_task("masked-lm", {})
    config = ConvBertConfig.from_pretrained(model)
    settings = FinetuneSettings.recipe(task, config, **{**ALWAYS, **WORDS_SETTINGS, **more})
    with tempfile.TemporaryDirectory() as folder:
        record = finetune(
            task, load(WORDS_DATA, task.name), model, Path(folder, "run"), settings, device=plan.device
        )
    return record["test"]
