"""How convbert_edu/bundled/convbert-mini was made: a BERT turned into a ConvBERT, then distilled in three stages.

`train` converts the teacher, packs the course's texts with its vocabulary and runs the stages; stopped or killed, the
same command goes on where it was. `bundle` rounds the weights to 16 bits and writes one folder that ConvBertModel,
ConvBertForMaskedLM and ConvBertForPreTraining open. `measure` adds to the record what the model reaches and writes
its card. A miniature: the same with --teacher FOLDER --text FILE --steps 17.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import torch

from bundled_card import make_card
from bundled_models import run_stage, stage_record, write_record
from convbert_edu import ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.checkpoints.folder import BUNDLED
from convbert_edu.distillation.objective import MaskedLMWithDetector
from convbert_edu.files import atomic_write
from fill_mask import compare_models
from finetune_cases import CASES, stored_runs
from pretraining_held_out import held_out_results

NAME = "convbert-mini"
# The licence of the teacher's weights, which the model's are made from.
NOTICE = Path(__file__).with_name("bundled_mini_notice.txt")
# 160 of 384 axes keep 81% of the variance of the teacher's embeddings; 128 keep 74%.
CONVERSION = ("--embedding-size", "160")
# Short texts and recipes are in it too, since the tasks have such.
CORPUS = ("--recipes", "--short", "0.1")
COMMON = dict(
    teacher="minilm", batch_size=16, threads=1, checkpoint_minutes=5, evaluate_sequences=300,
    new_learning_rate=2e-3, sentence_embedding_weight=0.5,
)  # fmt: skip
STAGES: dict[str, dict[str, Any]] = {
    # Both read the text as it is: the student learns the teacher's hidden states, and [CLS] the whole sentence.
    "unmasked": dict(
        student="start", inputs="original", steps=3_200, learning_rate=5e-4, warmup_steps=100, seed=2,
        log_every=50, evaluate_every=800,
    ),
    # The student reads masked text and still has to find the hidden states of the original.
    "masked_lm": dict(
        student="unmasked/model", inputs="student_masked", masked_lm_weight=0.4, steps=3_200,
        learning_rate=5e-4, warmup_steps=100, seed=0, log_every=50, evaluate_every=800,
    ),
    # Hidden states are compared on text as it is again, since tasks have no masked words; the heads learn beside it.
    "detection": dict(
        student="masked_lm/model", inputs="original", masked_lm_weight=0.4, rtd_weight=1.0, steps=500,
        learning_rate=2e-4, warmup_steps=20, seed=1, log_every=20, evaluate_every=0,
    ),
}  # fmt: skip
# One seed each, held-out validation text; the first three with 150 steps (0.31 million tokens), embeddings of 128.
TRIED = [
    "Teacher and student both read masked text, masked-LM weight 0.2: mean error of the hidden states 0.209, of the "
    "last layer 0.455; masked-LM accuracy 0.220, perplexity 415.",
    "Only the student reads masked text: 0.198, 0.369; 0.262, 326. At a learning rate of 1e-3 in place of 3e-4: "
    "0.221, 0.426; 0.294, 157.",
    "Unmasked text without a masked-LM loss: 0.145, 0.220. So the stages: first that, then masked text.",
    "In the last stage of the whole recipe, with a weight of 10 for replaced-token detection: after 50 steps the error "
    "of the last layer was 1.20, where it had been 0.45 before.",
]


@click.group()
def main() -> None:
    """Make convbert-mini."""


@main.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--teacher", default=COMMON["teacher"], show_default=True, help="The BERT: a folder, or minilm."
)
@click.option(
    "--text", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), help="Else the course's."
)
@click.option("--steps", type=int, help="Of every stage, for a miniature; else those of the recipe.")
def train(work: Path, teacher: str, files: tuple[str, ...], steps: int | None) -> None:
    """Convert, pack the text and run all stages in the folder WORK."""
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "convbert_edu"]
    texts = [word for file in files for word in ("--text", file)]
    if not (work / "start").exists():
        size = () if steps else CONVERSION
        subprocess.run(
            [*command, "convert", teacher, work / "start", "--from-bert", *size, *texts], check=True
        )
    if not (work / "corpus").exists():
        corpus = texts or CORPUS
        subprocess.run(
            [*command, "data", "pack", work / "corpus", "--tokenizer", work / "start", *corpus], check=True
        )
    for name, settings in STAGES.items():
        if not (work / name / "record.json").exists():
            fewer = {"steps": steps, "warmup_steps": 1} if steps else {}
            run_stage(work, name, "distil", COMMON | {"teacher": teacher} | settings | fewer)


@main.command()
@click.argument("work", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--target", default=BUNDLED, type=click.Path(file_okay=False, path_type=Path), show_default=True
)
def bundle(work: Path, target: Path) -> None:
    """Write the model of WORK into the package."""
    folder, source = target / NAME, work / "detection/model"
    shutil.rmtree(folder, ignore_errors=True)
    MaskedLMWithDetector.from_pretrained(source).to(torch.float16).save_pretrained(folder)
    ConvBertTokenizer.from_pretrained(source).save_pretrained(folder)
    # vocab.txt says the same in a third of the space.
    (folder / "tokenizer.json").unlink()
    shutil.copy(NOTICE, folder / "NOTICE")
    stages = [
        stage_record(work, name, COMMON | settings) | {"name": f"distil_{name}"}
        for name, settings in STAGES.items()
    ]
    conversion = json.loads((work / "start/conversion.json").read_text())
    write_record(folder / "record.json", {"conversion": conversion, "stages": stages})
    click.echo(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.1f} MB")


@main.command()
@click.option(
    "--scores", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Of finetune_all.py."
)
def measure(scores: Path | None) -> None:
    """Measure convbert-mini on held-out text and write its card; take fine-tuning SCORES from finetune_all.py."""
    folder = BUNDLED / NAME
    record = json.loads((folder / "record.json").read_text())
    words = compare_models([NAME, "convbert-tiny-generator"], 1000)
    measured = {
        "held_out": rounded(held_out_results(NAME, NAME)),
        "words": {
            name: {key: found[key] for key in found if key != "answers"} for name, found in words.items()
        },
        "answers": words[NAME]["answers"],
        "tried": TRIED,
    }
    if scores:
        measured["fine_tuning"] = test_scores(json.loads(scores.read_text()))
    record |= measured
    write_record(folder / "record.json", record)
    parameters = ConvBertForMaskedLM.from_pretrained(NAME).num_parameters()
    with atomic_write(folder / "README.md", "w") as file:
        file.write(make_card(NAME, "ConvBertForMaskedLM", parameters, record))
    click.echo(f"wrote record and card of {NAME}")


def rounded(results: Mapping[str, float]) -> dict[str, float]:
    """Return figures with four digits."""
    return {name: round(value, 4) for name, value in results.items()}


def test_scores(known: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, list[float]]]:
    """Return the scores on the test split: case -> metric -> one score for each seed, if there are enough."""
    found = {}
    for name, case in CASES.items():
        runs = stored_runs(known, name, NAME)
        if runs:
            found[name] = {metric: [round(run[metric], 4) for run in runs] for metric in case.measures}
    return found


if __name__ == "__main__":
    main()
