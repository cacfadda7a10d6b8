"""Does span-based dynamic convolution help? The paper's comparison at the scale of two cores.

    python benchmarks/paper_in_miniature.py run --minutes 150
    python benchmarks/paper_in_miniature.py table

`run` pretrains each variant of paper_variants.py with the same text, steps and seeds. Stopped or killed, the same
command goes on where it was; each complete run leaves one file in benchmarks/paper_in_miniature. `table` says what they
show. paper_step_times.py times the steps of all variants in turns.

A run learns masked language modelling first, then replaced-token detection from there. The generator of the second
stage is convbert-tiny-generator for all and is not trained, so that all variants detect the same replaced tokens and
can be compared sequence by sequence. A seed gives all variants the same order of the text and the same masked tokens.
Last, the discriminator is fine-tuned on two tasks with the settings of convbert-tiny. No setting was tuned for any
variant.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import torch

from bundled_models import stage_command, stage_record, write_record
from common import held_out_curves, linked_folder, machine
from convbert_edu import ConvBertForMaskedLM
from convbert_edu.checkpoints.folder import BUNDLED
from convbert_edu.data import Splits
from convbert_edu.finetuning.data_sources import load_data
from convbert_edu.training.run_folder import RunLog
from finetune_all import one_run
from finetune_cases import TINY
from floor import forward_flops
from paper_held_out import by_sequence, summary
from paper_table import read_results, tables
from paper_variants import ORDER, VARIANTS
from side_by_side import Command, CommandRun, work_through

DEFAULT_WORK, RESULTS = Path("build/paper_in_miniature"), Path(__file__).with_suffix("")
GENERATOR = "convbert-tiny-generator"
# Two runs side by side, one process each, or one run in two processes: JOBS x PROCESSES is the number of cores.
JOBS, PROCESSES = 2, 1
COMMON = dict(
    preset="tiny", batch_size=32 // PROCESSES, beta2=0.98, dropout=0.0, threads=1, checkpoint_minutes=3,
    log_every=50, evaluate_every=200, evaluate_sequences=512,
)  # fmt: skip
STAGES: dict[str, dict[str, Any]] = {
    "masked_lm": dict(objective="masked_lm", steps=2_800, learning_rate=2e-3, warmup_steps=200),
    "replaced_token": dict(
        objective="replaced_token", start_discriminator="masked_lm/generator", start_generator=GENERATOR,
        freeze_generator=True, steps=800, learning_rate=7e-4, warmup_steps=100,
    ),
}  # fmt: skip
# The second stage reads the text in another order than the first.
SEEDS_APART = 100
CASES = ("reviews:rt", "wikipedia:topics")
# What is measured of a complete run.
HELD_OUT = "held_out"
PIECES = (HELD_OUT, *CASES)
SEQUENCES = 1000
# Tokens of the sequence whose FLOPs are given.
LENGTH = 128


@dataclass(frozen=True)
class Scale:
    """The whole experiment, or with `steps` a miniature of it: few steps, sequences and examples."""

    steps: int | None = None

    @property
    def limit(self) -> int | None:
        """Held-out sequences, and examples of each split of a task; None: all that the experiment has."""
        return None if self.steps is None else 24

    def stages(self, variant: str, seed: int) -> dict[str, dict[str, Any]]:
        """Return the settings of both stages of a run."""
        return {
            name: {
                **COMMON,
                "sizes": dict(VARIANTS[variant].sizes),
                **settings,
                "seed": seed + apart,
                **self.fewer(),
            }
            for (name, settings), apart in zip(STAGES.items(), (0, SEEDS_APART), strict=True)
        }

    def fewer(self) -> dict[str, Any]:
        """Return the settings of a stage that a miniature changes; for the whole experiment none."""
        return {} if self.steps is None else {
            "steps": self.steps, "warmup_steps": 1, "batch_size": 4, "log_every": 5, "evaluate_every": 10,
            "evaluate_sequences": self.limit,
        }  # fmt: skip


@click.group()
def main() -> None:
    """Compare variants of ConvBERT that are pretrained alike."""


WORK = click.option(
    "--work", default=DEFAULT_WORK, show_default=True, help="Folder for text and checkpoints.",
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
FOLDER = click.option(
    "--results", default=RESULTS, help="Folder of the result files; else the one beside this script.",
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
MINUTES = click.option(
    "--minutes", type=float, help="Save all and stop after so many; the same command goes on."
)
TEXTS = click.option(
    "--text", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), help="Else the course's."
)


@main.command()
@WORK
@FOLDER
@MINUTES
@click.option(
    "--variant", "variants", multiple=True, type=click.Choice(list(VARIANTS)), help="Else all of them."
)
@click.option("--seed", "seeds", multiple=True, type=int, help="Else all that paper_variants.ORDER names.")
@click.option("--steps", type=int, help="Of each stage, for a miniature, in which all else is small, too.")
@TEXTS
def run(
    work: Path,
    results: Path,
    minutes: float | None,
    variants: tuple[str, ...],
    seeds: tuple[int, ...],
    steps: int | None,
    files: tuple[str, ...],
) -> None:
    """Run what is missing."""
    if steps is not None and (work == DEFAULT_WORK or results == RESULTS):
        raise click.UsageError(
            "a miniature must not lie among the real runs: give it folders with --work and --results"
        )
    pack_text(work, files)
    wanted = [
        (name, seed)
        for name, seed in ORDER
        if name in (variants or VARIANTS) and (not seeds or seed in seeds)
    ]
    missing = [key for key in wanted if not result_file(results, *key).exists()]
    print(f"{len(missing)} of {len(wanted)} runs are left to do", flush=True)
    go_on(
        work,
        (
            (f"{name}-{seed}", commands_left(work, results, name, seed, Scale(steps)))
            for name, seed in missing
        ),
        minutes,
    )


def pack_text(work: Path, files: Iterable[str]) -> None:
    """Make the corpus in the folder `work`, of the text files or of the course's own texts, unless it is there."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "corpus").exists():
        texts = [word for file in files for word in ("--text", file)]
        pack = [sys.executable, "-m", "convbert_edu", "data", "pack", work / "corpus"]
        # The generator's vocabulary, so that it can read the text, too.
        subprocess.run([*pack, "--tokenizer", BUNDLED / GENERATOR, *texts], check=True)


def go_on(work: Path, runs: Iterable[tuple[str, Iterator[Command]]], minutes: float | None) -> None:
    """Work through the commands of runs, each with its name, JOBS at a time; exit with 1 where one has failed."""
    started = (CommandRun(name, commands, work / name / "output.txt") for name, commands in runs)
    complete, failed = work_through(started, JOBS, minutes)
    print("all runs are complete" if complete and not failed else "start the same command again to go on")
    if failed:
        raise SystemExit(1)


def result_file(results: Path, name: str, seed: int) -> Path:
    """Return where the result of a run is kept."""
    return results / f"{name}-{seed}.json"


def commands_left(
    work: Path, results: Path, name: str, seed: int, scale: Scale
) -> Iterator[list[str | Path]]:
    """Yield the commands of a run that are left, and write its result at the end."""
    folder = linked_folder(work, f"{name}-{seed}")
    for stage, settings in scale.stages(name, seed).items():
        if not (folder / stage / "record.json").exists():
            bundled = {"start_generator": BUNDLED / GENERATOR} if "start_generator" in settings else {}
            yield stage_command(folder, stage, "pretrain", settings | bundled, PROCESSES)
    if not all(piece_file(folder, what).exists() for what in PIECES):
        limit = [] if scale.limit is None else ["--limit", str(scale.limit)]
        yield [sys.executable, __file__, "measure", folder, "--seed", str(seed), *limit]
    write_record(result_file(results, name, seed), result_of(folder, name, seed, scale))


def piece_file(folder: Path, what: str) -> Path:
    """Return where one measurement of a run is kept until the run is complete."""
    return folder / f"{what.replace(':', '-')}.json"


@main.command(hidden=True)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seed", type=int, required=True)
@click.option("--limit", type=int)
def measure(folder: Path, seed: int, limit: int | None) -> None:
    """Measure what the run in FOLDER has learned, on held-out text and on the tasks. `run` calls this."""
    torch.set_num_threads(1)
    discriminator = folder / "replaced_token" / "discriminator"
    for what in PIECES:
        if piece_file(folder, what).exists():
            continue
        if what == HELD_OUT:
            masked_lm = folder / "masked_lm" / "generator"
            found = by_sequence(folder / "corpus", masked_lm, discriminator, GENERATOR, limit or SEQUENCES)
        else:
            found = fine_tune(what, discriminator, seed, limit)
        write_record(piece_file(folder, what), found)


def fine_tune(case: str, model: Path, seed: int, limit: int | None) -> dict[str, Any]:
    """Return what a pretrained model reaches on the test split of a case after fine-tuning, in one thread."""
    return one_run(case, TINY, seed, "test", 1, str(model), lambda *of: few(load_data(*of), limit))


def few(splits: Splits, limit: int | None) -> Splits:
    """Return a data set with about `limit` examples of each split, spread evenly over it; None: with all of them."""
    if limit is None:
        return splits
    parts = {name: getattr(splits, name) for name in ("train", "validation", "test")}
    return replace(splits, **{name: part[:: max(1, len(part) // limit)] for name, part in parts.items()})


def result_of(folder: Path, name: str, seed: int, scale: Scale) -> dict[str, Any]:
    """Return all that a complete run has shown, without paths of this machine."""
    settings = scale.stages(name, seed)
    pieces = {what: json.loads(piece_file(folder, what).read_text()) for what in PIECES}
    logs = {stage: folder / stage / "log.jsonl" for stage in STAGES}
    model = ConvBertForMaskedLM.from_pretrained(folder / "masked_lm" / "generator")
    return {
        "variant": name,
        "title": VARIANTS[name].title,
        "seed": seed,
        "parameters": {
            "model": model.num_parameters(),
            "layers": sum(each.numel() for each in model.encoder.layers.parameters()),
        },
        "forward_flops": forward_flops(model.config, LENGTH),
        "seconds_per_step": {stage: seconds_per_step(log) for stage, log in logs.items()},
        "held_out": summary(pieces[HELD_OUT]),
        "fine_tuned": {case: pieces[case] for case in CASES},
        "stages": [
            stage_record(folder, stage, settings[stage]) | {"held_out_curves": held_out_curves(logs[stage])}
            for stage in STAGES
        ],
        "machine": machine() | {"runs_side_by_side": JOBS, "processes": PROCESSES},
        "by_sequence": pieces[HELD_OUT],
    }


def seconds_per_step(log: Path) -> float:
    """Return the median over the lines of a log: a busy minute does not count."""
    lines = [line for line in RunLog(log).lines() if "tokens" in line]
    before = [{"step": 0, "tokens": 0}, *lines]
    return round(
        statistics.median(
            (line["tokens"] - last["tokens"]) / line["tokens_per_second"] / (line["step"] - last["step"])
            for last, line in zip(before, lines, strict=False)
        ),
        5,
    )


@main.command()
@FOLDER
def table(results: Path) -> None:
    """Print what the result files show: means, paired tests, bootstrap."""
    print(tables(read_results(results)))


if __name__ == "__main__":
    main()
