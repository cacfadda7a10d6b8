"""Every task: the pretrained model, the same model from scratch, and simple baselines. Prints the table of the README.

Each run has its own seed, for the head (or the whole model), the order and the dropout. The settings stand in CASES;
they are chosen on the validation part (--part validation), and the test part is measured with them once.
With --output a run that was stopped goes on where it was.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import torch

from common import NO_DROPOUT, interval
from convbert_edu import ConvBertConfig
from convbert_edu.data import Splits
from convbert_edu.files import atomic_write
from convbert_edu.tasks import make_task
from convbert_edu.tasks.data_sources import load_data
from convbert_edu.training.finetune import finetune
from convbert_edu.training.finetune_settings import FinetuneSettings
from convbert_edu.training.run_folder import RunFolder

STARTS = ("pretrained", "from scratch")
FROM_SCRATCH = {"layer_decay": 1.0, "learning_rate": 6e-4}  # random weights want a lower rate, in all layers


@dataclass(frozen=True)
class Preparation:
    """What a pretrained model learns before a case: a data set whose labels cost nothing, and how."""

    task: str
    data: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A data set, what is measured on it, how it is learnt, and the best simple model (benchmarks/baselines.py)."""

    task: str
    metrics: tuple[str, ...]
    baseline: tuple[float, ...]  # of the same metrics
    settings: Mapping[str, Any] = field(default_factory=dict)  # beside the authors' recipe
    from_scratch: Mapping[str, Any] = field(default_factory=FROM_SCRATCH.copy)  # beside `settings`
    examples: int | None = None  # for training; None: all of them
    before: tuple[Preparation, ...] = ()  # one after the other; from scratch goes without


LADDER = {"learning_rate": 1e-3, "layer_decay": 1.0, "epochs": 1, "max_length": 96, "config": NO_DROPOUT}

# Small models learn well with rates far above the authors'.
CASES: dict[str, Case] = {
    "reviews:rt": Case(
        "classification", ("accuracy",), (0.783,), {"learning_rate": 6e-4, "layer_decay": 1.0, "epochs": 3}
    ),
    "reviews:imdb": Case(
        "classification",
        ("accuracy",),
        (0.879,),
        {"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 1, "max_length": 192},
    ),
    "wikipedia:topics": Case(
        "classification",
        ("accuracy", "macro_f1"),
        (0.893, 0.866),
        {"learning_rate": 1.5e-3, "epochs": 4},
    ),
    "recipes": Case(
        "classification",
        ("micro_f1",),
        (0.655,),
        {"learning_rate": 2e-3, "layer_decay": 0.9, "epochs": 6, "task_options": {"border": 0.25}},
    ),
    "tweets": Case(
        "token-classification",
        ("entity_f1",),
        (0.335,),
        {"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 10, "batch_size": 16, "new_head": True},
        before=(
            Preparation(
                "token-classification",
                "wikipedia:capitals",
                {"learning_rate": 1e-3, "layer_decay": 1.0, "epochs": 2},
            ),
        ),
    ),
    "factbook:qa": Case(
        "question-answering",
        ("exact_match", "f1"),
        (0.375, 0.437),
        {"learning_rate": 1.5e-3, "layer_decay": 0.9, "epochs": 2, "max_length": 128},
    ),
    "wikipedia:choice": Case(
        "multiple-choice",
        ("accuracy",),
        (0.584,),
        {
            "learning_rate": 5e-4,
            "layer_decay": 1.0,
            "epochs": 1,
            "max_length": 128,
            "config": NO_DROPOUT,
        },
        before=(
            Preparation("multiple-choice", "wikipedia:choice-easy", LADDER),
            Preparation("multiple-choice", "wikipedia:choice-more", LADDER),
        ),
    ),
}


def one_run(model: str, name: str, start: str, seed: int, part: str, threads: int) -> dict[str, Any]:
    """Train once and return what was measured on `part`, with the seconds that the training took."""
    torch.set_num_threads(threads)
    case, scratch, config = CASES[name], start == "from scratch", ConvBertConfig.from_pretrained(model)
    always = {"seed": seed, "threads": threads}
    changes = {**case.settings, **(case.from_scratch if scratch else {}), "from_scratch": scratch, **always}
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number, before in enumerate([] if scratch else case.before):
            data = replace(load_data(before.data, before.task), test=[])
            task = make_task(before.task, {})
            settings = FinetuneSettings.recipe(task, config, **before.settings, **always)
            prepared = Path(folder, f"before {number}")
            seconds += finetune(task, data, model, prepared, settings)["seconds"]
            model = str(RunFolder(prepared).model)
        task = make_task(case.task, changes.get("task_options", {}))
        settings = FinetuneSettings.recipe(task, config, **changes)
        record = finetune(task, chosen_examples(name, seed, part), model, Path(folder, "run"), settings)
    return {**record[part], "seconds": seconds + record["seconds"]}


def chosen_examples(name: str, seed: int, part: str) -> Splits:
    """Return the data of a case; the test part stays closed while settings are chosen."""
    splits, count = load_data(name, CASES[name].task), CASES[name].examples
    if part == "validation":
        splits = replace(splits, test=[])
    if count is None:
        return splits
    order = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(seed)).tolist()
    return replace(splits, train=[splits.train[row] for row in order[:count]])


def print_table(known: Mapping[str, Mapping[str, float]], part: str) -> None:
    """Print the cases that have results as a table in Markdown."""
    print(f"| {part} | metric | {' | '.join(STARTS)} | baseline |\n|---|---|---:|---:|---:|")
    for name, case in CASES.items():
        for metric, baseline in zip(case.metrics, case.baseline, strict=True):
            cells = []
            for start in STARTS:
                scores = [
                    found[metric] for key, found in known.items() if key.startswith(f"{name}/{part}/{start}/")
                ]
                cells.append(interval(scores) if scores else "")
            if any(cells):
                print(f"| {name} | {metric} | {' | '.join(cells)} | {baseline} |")


@click.command()
@click.option("--model", required=True, help="Pretrained model: name or folder.")
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Else all of them.")
@click.option("--start", "starts", multiple=True, type=click.Choice(STARTS), help="Else both.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--part", default="test", type=click.Choice(["validation", "test"]), show_default=True)
@click.option(
    "--jobs", default=2, show_default=True, help="Runs side by side; small models gain little from threads."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file of all scores.")
def main(
    model: str,
    cases: tuple[str, ...],
    starts: tuple[str, ...],
    seeds: int,
    part: str,
    jobs: int,
    output: Path | None,
) -> None:
    """Measure every case and print a table."""
    known: dict[str, Any] = json.loads(output.read_text()) if output and output.exists() else {}
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {}
        for seed in range(seeds):
            for name in cases or CASES:
                for start in starts or STARTS:
                    key = f"{name}/{part}/{start}/{seed}"
                    if key not in known:
                        waiting[pool.submit(one_run, model, name, start, seed, part, threads)] = key
        for done in as_completed(waiting):
            known[waiting[done]] = done.result()
            print(waiting[done], json.dumps(known[waiting[done]]), flush=True)
            if output:
                with atomic_write(output, "w") as file:
                    json.dump(known, file, indent=2)
    print_table(known, part)


if __name__ == "__main__":
    main()
