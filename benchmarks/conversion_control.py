"""Which heads of a BERT can become convolutions, and does the kind of convolution matter? A control experiment.

Six of the twelve heads of each layer of the teacher are replaced: the most local ones, the most global ones, or random
ones, by span-based dynamic convolution; and the most local ones by dynamic and by fixed convolution. All else is alike:
text, number of steps, learning rates. Measured: the distillation error over the steps, on training text and at the end
on held-out text, and the accuracy on Rotten Tomatoes after fine-tuning. A stopped run goes on where it was.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bundled_mini import CORPUS
from bundled_models import run_stage
from common import curves, interval, linked_folder, markdown_table
from convbert_edu.files import atomic_write
from convbert_edu.training.run_folder import RunLog
from finetune_all import one_run
from finetune_cases import MINI

# Embeddings stay whole, so that nothing but the heads differs.
SETTINGS = dict(
    student="start", teacher="minilm", inputs="original", steps=560, batch_size=16, learning_rate=3e-4,
    warmup_steps=30, threads=1, checkpoint_minutes=5, log_every=20, evaluate_every=0, evaluate_sequences=300,
)  # fmt: skip
REVIEWS = {"learning_rate": 2e-4, "epochs": 2}


@dataclass(frozen=True)
class Variant:
    """Which heads are replaced, by what, and how often the run is repeated."""

    heads: str
    convolution: str
    seeds: int


VARIANTS = {
    "local heads, span-based": Variant("local", "span", 5),
    "random heads, span-based": Variant("random", "span", 3),
    "global heads, span-based": Variant("global", "span", 3),
    "local heads, dynamic": Variant("local", "dynamic", 5),
    "local heads, fixed": Variant("local", "fixed", 3),
}


def run_variant(work: Path, variant: Variant, seed: int) -> dict[str, Any]:
    """Convert, distil and fine-tune once; return the curve, the errors and the accuracy."""
    folder = linked_folder(work, f"{variant.heads}-{variant.convolution}-{seed}")
    convert = [sys.executable, "-m", "convbert_edu", "convert", "minilm"]
    if not (folder / "start").exists():
        options = ["--heads", variant.heads, "--convolution", variant.convolution, "--seed", str(seed)]
        subprocess.run([*convert, folder / "start", "--from-bert", *options], check=True)
    if not (folder / "distilled" / "record.json").exists():
        run_stage(folder, "distilled", "distil", SETTINGS | {"seed": seed})
    record = json.loads((folder / "distilled" / "record.json").read_text())
    curve = curves(RunLog(folder / "distilled" / "log.jsonl").lines(), ["hidden_error"], digits=5)
    scores = one_run("reviews:rt", MINI, seed, "test", 2, str(folder / "distilled" / "model"), more=REVIEWS)
    shutil.rmtree(folder)
    return {
        "steps": curve["step"],
        "hidden_error": curve["hidden_error"],
        "tokens": record["tokens"],
        "seconds": round(record["seconds"]),
        "held_out": {name: round(value, 5) for name, value in record["held_out"].items()},
        "reviews_accuracy": round(scores["accuracy"], 4),
    }


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="JSON of all runs."
)
@click.option(
    "--variant", "names", multiple=True, type=click.Choice(list(VARIANTS)), help="Else all of them."
)
def main(work: Path, output: Path, names: tuple[str, ...]) -> None:
    """Run all variants in the folder WORK, seed by seed, and print a table."""
    known: dict[str, Any] = json.loads(output.read_text()) if output.exists() else {}
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "corpus").exists():
        command = [sys.executable, "-m", "convbert_edu"]
        subprocess.run([*command, "convert", "minilm", work / "tokenizer", "--from-bert"], check=True)
        subprocess.run(
            [*command, "data", "pack", work / "corpus", "--tokenizer", work / "tokenizer", *CORPUS],
            check=True,
        )
    for seed in range(max(variant.seeds for variant in VARIANTS.values())):
        for name in names or VARIANTS:
            key = f"{name}/{seed}"
            if key not in known and seed < VARIANTS[name].seeds:
                known[key] = run_variant(work, VARIANTS[name], seed)
                with atomic_write(output, "w") as file:
                    json.dump(known, file, indent=1)
                print(key, known[key]["held_out"], known[key]["reviews_accuracy"], flush=True)
    print(table(known))


def table(known: dict[str, Any]) -> str:
    """Return means with 95% intervals over the seeds as a table in Markdown."""
    rows = []
    for name in VARIANTS:
        runs = [found for key, found in known.items() if key.rsplit("/", 1)[0] == name]
        if runs:
            errors = [
                interval([run["held_out"][what] for run in runs])
                for what in ("hidden_error", "last_layer_error")
            ]
            accuracy = interval([run["reviews_accuracy"] for run in runs])
            rows.append([f"{name} ({len(runs)} seeds)", *errors, accuracy])
    return markdown_table(["replaced", "held-out error", "last layer", "Rotten Tomatoes"], rows)


if __name__ == "__main__":
    main()
