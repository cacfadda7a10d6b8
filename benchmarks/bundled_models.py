"""How the models in convbert_edu/bundled were made, from the text to the model folders.

`train` packs the text and runs the stages below; stopped or killed, the same command goes on where it was. Each stage
is a `convbert-edu pretrain` of its own, in two processes with one thread each. `bundle` rounds the weights to 16 bits
and writes them, with tokenizer and record, into the package. `measure` adds to the record what they reach on text
that they never saw and on two tasks (the scores of pretrained_vs_scratch.py), and writes the model cards.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import torch

from bundled_card import make_card
from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertTokenizer
from convbert_edu.checkpoints.folder import BUNDLED
from convbert_edu.files import atomic_write
from convbert_edu.training.run_folder import RunLog
from pretraining_held_out import held_out_results

PROCESSES = 2
COMMON = dict(
    preset="tiny", batch_size=64, beta2=0.98, dropout=0.0, seed=0, threads=1,
    checkpoint_minutes=5, log_every=50, evaluate_every=2000, evaluate_sequences=512,
)  # fmt: skip
STAGES = {
    "masked_lm": dict(
        objective="masked_lm", steps=12_000, stop_after=6_000, learning_rate=3e-3, warmup_steps=300,
        cls_mlm_weight=0.2,
    ),
    "cool_down": dict(
        objective="masked_lm", start_generator="masked_lm/generator", steps=2_000, learning_rate=1.5e-3,
        warmup_steps=50, cls_mlm_weight=0.2, seed=1,
    ),
    "replaced_token": dict(
        objective="replaced_token", start_discriminator="cool_down/generator",
        start_generator="cool_down/generator", freeze_generator=True, steps=1_500, learning_rate=1e-3,
        warmup_steps=100, seed=2,
    ),
    # Starts from the mean of the weights before and after the stage above: see `average`.
    "settle": dict(
        objective="replaced_token", start_discriminator="average/discriminator",
        start_generator="cool_down/generator", freeze_generator=True, steps=300, learning_rate=1e-4,
        warmup_steps=20, seed=3,
    ),
}  # fmt: skip
# Name in the package: the class, the stage that made it, and the stages that led there.
MODELS = {
    "convbert-tiny-generator": (ConvBertForMaskedLM, "cool_down/generator", ("masked_lm", "cool_down")),
    "convbert-tiny": (ConvBertForPreTraining, "settle/discriminator", tuple(STAGES)),
}
# Chosen on the validation splits. Accuracies: pretrained_vs_scratch.py --split validation, by seed.
TRIED = [
    "Ending the first stage at half of its planned steps (perplexity 14.3, accuracy 0.514) and "
    "letting the rate fall to zero from there: perplexity 11.6, accuracy 0.545.",
    "Detection from those weights for 1,500 steps: AUC 0.725, but the encoder was worse for topics from 500 examples "
    "(0.738 and 0.692, beside 0.781 and 0.785 before); equal on 500 reviews (mean of three 0.710, before 0.712) and "
    "on all (mean of two 0.766, before 0.762).",
    "The mean of the encoders before and after: AUC 0.681, topics from 500 examples 0.789 (one seed). After 300 "
    "more steps of detection at a low rate, which is the last stage: AUC 0.710, topics 0.785 (one seed).",
    "Learning rates for 500 examples: 3e-4 and 2e-3 gave no more than 1e-3 on reviews.",
]
CURVES = ("step", "loss", "hidden_error", "masked_lm_loss", "masked_lm_accuracy", "detection_loss")
# Settings that are folders of earlier stages.
PATHS = ("start_generator", "start_discriminator", "student")


@click.group()
def main() -> None:
    """Make the bundled models."""


@main.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option("--until", type=click.Choice(list(STAGES)), help="Stop after this stage.")
@click.option("--attention-only", is_flag=True, help="Without convolution, to compare with (locality.py).")
def train(work: Path, until: str | None, attention_only: bool) -> None:
    """Pack the text and run all stages in the folder WORK."""
    sizes = {"sizes": {"attention_only": True}} if attention_only else {}
    command = [sys.executable, "-m", "convbert_edu"]
    if not (work / "corpus").exists():
        subprocess.run([*command, "data", "pack", work / "corpus"], check=True)
    for name, settings in STAGES.items():
        if name == "settle":
            average(work / "cool_down/generator", work / "replaced_token/discriminator", work / "average")
        if not (work / name / "record.json").exists():
            run_stage(work, name, "pretrain", COMMON | settings | sizes)
        if name == until:
            return


def average(masked_lm: Path, detector: Path, target: Path) -> None:
    """Write a discriminator whose encoder is the mean of two: it detects, and keeps what the masked LM has learned."""
    model = ConvBertForPreTraining.from_pretrained(detector)
    before = dict(ConvBertForMaskedLM.from_pretrained(masked_lm).encoder.named_parameters())
    with torch.no_grad():
        for name, weights in model.encoder.named_parameters():
            weights.lerp_(before[name], 0.5)
    model.save_pretrained(target / "discriminator")
    ConvBertTokenizer.from_pretrained(detector).save_pretrained(target / "discriminator")


def run_stage(work: Path, name: str, command: str, settings: dict) -> None:
    """Run one stage, or what is left of it: `convbert-edu COMMAND`, in two processes with one thread each."""
    words = stage_command(work, name, command, settings, PROCESSES)
    subprocess.run(words, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def stage_command(work: Path, name: str, command: str, settings: dict, processes: int) -> list[str | Path]:
    """Write the settings of a stage to a file and return the command that runs it, or what is left of it."""
    paths = {key: str(work / value) for key, value in settings.items() if key in PATHS}
    settings_file = work / f"{name}.json"
    with atomic_write(settings_file, "w") as file:
        json.dump(settings | paths, file, indent=2)
    torchrun = ["-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"]
    words: list[str | Path] = [sys.executable, *(torchrun if processes > 1 else []), "-m", "convbert_edu"]
    words += [command, work / "corpus", work / name, "--settings", settings_file]
    if any((work / name / "checkpoints").glob("*.pt")):
        words.append("--resume")
    return words


@main.command()
@click.argument("work", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--target", default=BUNDLED, type=click.Path(file_okay=False, path_type=Path), show_default=True
)
def bundle(work: Path, target: Path) -> None:
    """Write the models of WORK into the package."""
    for name, (kind, source, stages) in MODELS.items():
        folder = target / name
        shutil.rmtree(folder, ignore_errors=True)
        kind.from_pretrained(work / source).to(torch.float16).save_pretrained(folder)
        ConvBertTokenizer.from_pretrained(work / source).save_pretrained(folder)
        record = {"stages": [stage_record(work, stage, COMMON | STAGES[stage]) for stage in stages]}
        write_record(folder / "record.json", record)
        click.echo(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.1f} MB")


def stage_record(work: Path, stage: str, settings: dict) -> dict:
    """Return what a stage was and how it went: settings, effort, measurements, and its curves with tokens."""
    record = json.loads((work / stage / "record.json").read_text())
    lines = [line for line in RunLog(work / stage / "log.jsonl").lines() if "tokens" in line]
    curves = {"tokens": [line["tokens"] for line in lines]}
    for name in CURVES:
        if name in lines[-1]:
            curves[name] = [round(line[name], 4) for line in lines]
    # Without the paths of this machine.
    return {"name": stage} | record | {"settings": record["settings"] | settings, "curves": curves}


@main.command()
@click.argument("scores", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--fine-tuned", default="convbert-tiny", help="The model that SCORES were measured with.")
def measure(scores: Path, fine_tuned: str) -> None:
    """Measure the bundled models on held-out text; take the fine-tuning SCORES from pretrained_vs_scratch.py."""
    results = held_out_results("convbert-tiny", "convbert-tiny-generator")
    measured = {
        "held_out": {name: round(value, 4) for name, value in results.items()},
        "fine_tuned": fine_tuned,
        "fine_tuning": test_scores(scores),
        "tried": TRIED,
    }
    for name, (kind, _, _) in MODELS.items():
        folder, model = BUNDLED / name, kind.from_pretrained(name)
        record = json.loads((folder / "record.json").read_text()) | measured
        write_record(folder / "record.json", record)
        with atomic_write(folder / "README.md", "w") as file:
            file.write(make_card(name, kind.__name__, model.num_parameters(), record))
        click.echo(f"wrote record and card of {name}")


def test_scores(scores: Path) -> dict[str, dict[str, list[float]]]:
    """Return the scores on the test split: case -> start -> one score for each seed."""
    found: dict[str, dict[str, list[float]]] = {}
    for key, score in sorted(json.loads(scores.read_text()).items()):
        case, split, start, _ = key.split("/", 3)
        if split == "test":
            found.setdefault(case, {}).setdefault(start, []).append(round(score, 4))
    return found


def write_record(path: Path, record: dict) -> None:
    """Write a record as JSON, a list of numbers on one line."""
    text = json.dumps(record, indent=1)
    text = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    with atomic_write(path, "w") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
