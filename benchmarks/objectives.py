"""Masked language modelling or replaced-token detection: which one makes the better encoder at an equal budget?

    python benchmarks/objectives.py run --minutes 150
    python benchmarks/objectives.py table

`run` pretrains convbert-tiny's size from random weights with either objective and fine-tunes what is kept, the masked
language model or the discriminator, on two tasks. It goes on where it was after a stop, and writes each complete run
into objectives.json. `table` says what the file shows. The parts are those of paper_in_miniature.py.

Two comparisons share one run of masked language modelling for each seed. Equal tokens: replaced-token detection takes
as many steps, reads the same sequences and masks the same tokens. Equal CPU time: it takes as many steps as it has time
for, since a step with a generator costs more. How much more is measured once, in turns, before the first run. Nothing
was tuned for either objective: if a learning rate may suit one of them better, --rate tries others for both.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch

from bundled_models import stage_command, stage_record, write_record
from common import held_out_curves, interval, linked_folder, machine, markdown_table
from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.pretraining.corpus import PretrainingCorpus
from convbert_edu.pretraining.run import PretrainingTrainer, sequences_for
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.pretraining.setup import make_objective
from convbert_edu.training.distributed import DistributedContext
from paper_in_miniature import (
    CASES,
    COMMON,
    JOBS,
    MINUTES,
    TEXTS,
    Scale,
    fine_tune,
    go_on,
    pack_text,
    piece_file,
    seconds_per_step,
)
from paper_table import paired_test

DEFAULT_WORK, RESULTS = Path("build/objectives"), Path(__file__).with_suffix(".json")
MASKED_LM, REPLACED_TOKEN = "masked_lm", "replaced_token"
# The class, and the folder of the run, of the model that is kept.
KEPT = {
    MASKED_LM: (ConvBertForMaskedLM, "generator"),
    REPLACED_TOKEN: (ConvBertForPreTraining, "discriminator"),
}
# About three quarters of an hour of masked language modelling on one thread.
STEPS, WARMUP, RATE = 3_000, 200, 2e-3
SEEDS = (0, 1, 2)
STAGE = "pretraining"
# Steps of a round of `cpu_seconds_per_step`, and rounds.
ROUND, ROUNDS = 10, 5


@dataclass(frozen=True)
class Planned:
    """A run: its objective, what it has as much of as masked language modelling, its seed, its learning rate."""

    objective: str
    budget: str
    seed: int
    rate: float = RATE

    @property
    def name(self) -> str:
        """The name of its folder and of its entry in the result file."""
        rate = "" if self.rate == RATE else f"-{self.rate:g}"
        return f"{self.objective}-{self.budget}-{self.seed}{rate}"


# Masked language modelling is what the others are compared with: its budget is the budget.
KINDS = ((MASKED_LM, "all"), (REPLACED_TOKEN, "tokens"), (REPLACED_TOKEN, "cpu"))


def order(rate: float = RATE) -> list[Planned]:
    """Return all runs; each seed is complete before the next one begins."""
    return [Planned(objective, budget, seed, rate) for seed in SEEDS for objective, budget in KINDS]


def settings_of(planned: Planned, scale: Scale, costs: Mapping[str, float]) -> dict[str, Any]:
    """Return the settings of a run; costs: seconds of CPU time of a step, by objective."""
    steps = scale.steps or STEPS
    if planned.budget == "cpu":
        steps = max(2, round(steps * costs[MASKED_LM] / costs[planned.objective]))
    return {
        **COMMON,
        "objective": planned.objective,
        "learning_rate": planned.rate,
        "warmup_steps": WARMUP,
        "seed": planned.seed,
        **scale.fewer(),
        "steps": steps,
    }


def cpu_seconds_per_step(corpus: Path, scale: Scale) -> dict[str, float]:
    """Return the CPU time of a step of each objective, the median of rounds in turns over the same sequences."""
    torch.set_num_threads(1)
    opened, alone = PretrainingCorpus.open(corpus), DistributedContext()
    trainers = {}
    for objective in KEPT:
        settings = PretrainSettings.from_dict(settings_of(Planned(objective, "all", 0), scale, {}))
        sequences = sequences_for(settings, opened.train, opened.tokenizer, alone)
        models = make_objective(settings, opened.tokenizer, sequences.max_length).train()
        trainers[objective] = PretrainingTrainer(settings, models, sequences, alone)
    spent: dict[str, list[float]] = {objective: [] for objective in trainers}
    # The first round is for warming up.
    for number in range(ROUNDS + 1):
        for objective, trainer in trainers.items():
            began = time.process_time()
            for step in range(ROUND * number, ROUND * (number + 1)):
                trainer.training_step(step)
            if number:
                spent[objective].append((time.process_time() - began) / ROUND)
    return {objective: round(statistics.median(seconds), 5) for objective, seconds in spent.items()}


def read_results(path: Path) -> dict[str, Any]:
    """Return the result file's content: costs and complete runs; empty ones where there is no file yet."""
    if not path.exists():
        return {"cpu_seconds_per_step": {}, "runs": {}}
    return json.loads(path.read_text(encoding="utf-8"))


@click.group()
def main() -> None:
    """Compare the two objectives of pretraining at equal budgets."""


FILE = click.option(
    "--results", default=RESULTS, help="The result file; else the one beside this script.",
    type=click.Path(dir_okay=False, path_type=Path),
)  # fmt: skip


@main.command()
@click.option(
    "--work", default=DEFAULT_WORK, show_default=True, help="Folder for text and checkpoints.",
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
@FILE
@MINUTES
@click.option("--seed", "seeds", multiple=True, type=int, help=f"Else {', '.join(map(str, SEEDS))}.")
@click.option("--rate", default=RATE, show_default=True, help="The learning rate of all runs.")
@click.option("--steps", type=int, help="Of a run, for a miniature, in which all else is small, too.")
@TEXTS
def run(
    work: Path,
    results: Path,
    minutes: float | None,
    seeds: tuple[int, ...],
    rate: float,
    steps: int | None,
    files: tuple[str, ...],
) -> None:
    """Run what is missing."""
    if steps is not None and (work == DEFAULT_WORK or results == RESULTS):
        raise click.UsageError(
            "a miniature must not lie among the real runs: give it a folder with --work and a file with --results"
        )
    pack_text(work, files)
    scale, known = Scale(steps), read_results(results)
    if not known["cpu_seconds_per_step"]:
        known["cpu_seconds_per_step"] = cpu_seconds_per_step(work / "corpus", scale)
        write_record(results, known)
    costs = known["cpu_seconds_per_step"]
    print("CPU seconds of a step:", ", ".join(f"{name} {seconds:.3f}" for name, seconds in costs.items()))
    wanted = [each for each in order(rate) if not seeds or each.seed in seeds]
    missing = [each for each in wanted if each.name not in known["runs"]]
    print(f"{len(missing)} of {len(wanted)} runs are left to do", flush=True)
    go_on(work, ((each.name, commands_left(work, results, each, scale, costs)) for each in missing), minutes)


def commands_left(
    work: Path, results: Path, planned: Planned, scale: Scale, costs: Mapping[str, float]
) -> Iterator[list[str | Path]]:
    """Yield the commands of a run that are left, and write its entry of the result file at the end."""
    folder = linked_folder(work, planned.name)
    settings = settings_of(planned, scale, costs)
    if not (folder / STAGE / "record.json").exists():
        yield stage_command(folder, STAGE, "pretrain", settings, processes=1)
    if not all(piece_file(folder, case).exists() for case in CASES):
        limit = [] if scale.limit is None else ["--limit", str(scale.limit)]
        words = [folder, "--objective", planned.objective, "--seed", str(planned.seed), *limit]
        yield [sys.executable, __file__, "measure", *words]
    # Read anew: the run beside this one may have been written meanwhile.
    known = read_results(results)
    known["runs"][planned.name] = result_of(folder, planned, settings, costs)
    write_record(results, known)


@main.command(hidden=True)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--objective", type=click.Choice(list(KEPT)), required=True)
@click.option("--seed", type=int, required=True)
@click.option("--limit", type=int)
def measure(folder: Path, objective: str, seed: int, limit: int | None) -> None:
    """Fine-tune what the run in FOLDER has kept. `run` calls this."""
    for case in CASES:
        if not piece_file(folder, case).exists():
            model = folder / STAGE / KEPT[objective][1]
            write_record(piece_file(folder, case), fine_tune(case, model, seed, limit))


def result_of(
    folder: Path, planned: Planned, settings: Mapping[str, Any], costs: Mapping[str, float]
) -> dict[str, Any]:
    """Return all that a complete run has shown, without paths of this machine."""
    kind, name = KEPT[planned.objective]
    log = folder / STAGE / "log.jsonl"
    stage = stage_record(folder, STAGE, dict(settings)) | {"held_out_curves": held_out_curves(log)}
    return {
        "objective": planned.objective,
        "budget": planned.budget,
        "seed": planned.seed,
        "learning_rate": planned.rate,
        "parameters": kind.from_pretrained(folder / STAGE / name).num_parameters(),
        "tokens": stage["tokens"],
        "cpu_seconds": round(stage["steps"] * costs[planned.objective], 1),
        "seconds_per_step": seconds_per_step(log),
        "fine_tuned": {case: json.loads(piece_file(folder, case).read_text()) for case in CASES},
        "stage": stage,
        "machine": machine() | {"runs_side_by_side": JOBS, "processes": 1},
    }


@main.command()
@FILE
def table(results: Path) -> None:
    """Print what the result file shows: means, and the differences to masked language modelling, seed by seed."""
    print(tables(read_results(results)["runs"].values()))


Runs = Mapping[tuple[str, str, float], Mapping[int, Mapping[str, Any]]]


def tables(runs: Iterable[Mapping[str, Any]]) -> str:
    """Return both tables in Markdown, for the runs of the result file."""
    found: dict[tuple[str, str, float], dict[int, Mapping[str, Any]]] = {}
    for each in runs:
        kind = (each["objective"], each["budget"], each["learning_rate"])
        found.setdefault(kind, {})[each["seed"]] = each
    return means_table(found) + "\n\n" + differences_table(found)


def means_table(found: Runs) -> str:
    """Return mean and 95% interval of the accuracies by kind of run, and what a run costs."""
    cells = []
    for (objective, budget, rate), by_seed in found.items():
        results = list(by_seed.values())
        scores = [interval([accuracy(each, case) for each in results]) for case in CASES]
        tokens = statistics.mean(each["tokens"] for each in results) / 1e6
        minutes = statistics.mean(each["cpu_seconds"] for each in results) / 60
        costs = [f"{tokens:.1f}", f"{minutes:.0f}"]
        cells.append([objective, budget, f"{rate:g}", str(len(results)), *scores, *costs])
    return markdown_table(["objective", "equal", "rate", "seeds", *CASES, "million tokens", "CPU minutes"], cells)


def differences_table(found: Runs) -> str:
    """Return replaced-token detection minus masked language modelling, paired over the seeds of the same rate."""
    cells = []
    for (objective, budget, rate), by_seed in found.items():
        reference = found.get((*KINDS[0], rate), {})
        seeds = sorted(reference.keys() & by_seed.keys())
        for case in CASES if seeds and objective != MASKED_LM else ():
            pairs = [accuracy(by_seed[seed], case) - accuracy(reference[seed], case) for seed in seeds]
            test = paired_test(pairs)
            over_seeds = [f"± {test[1]:.4f}", f"{test[2]:.3f}"] if test else ["", ""]
            mean = f"{statistics.mean(pairs):+.4f}"
            cells.append([f"equal {budget}", f"{rate:g}", case, str(len(seeds)), mean, *over_seeds])
    heads = ["detection minus masked LM", "rate", "task", "pairs", "difference", "95% over seeds", "p"]
    return markdown_table(heads, cells)


def accuracy(result: Mapping[str, Any], case: str) -> float:
    """Return the accuracy on the test split of a case."""
    return float(result["fine_tuned"][case]["accuracy"])


if __name__ == "__main__":
    main()
