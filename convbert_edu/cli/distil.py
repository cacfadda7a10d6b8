"""`convbert-edu distil`: a student learns from a teacher."""

import json
import sys
from pathlib import Path

import click

from convbert_edu.cli.common import CommandWithSettings, Section, describe, plain_errors, settings_from

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


def _sections() -> list[Section]:
    """Return what `distil --help` lists after its options."""
    from convbert_edu.distillation.settings import DistillationSettings

    title = "Settings (--set NAME=VALUE; here with their defaults; null means None)"
    return [(title, describe(DistillationSettings))]


@click.command(cls=CommandWithSettings, sections=_sections)
@click.argument("corpus", type=FOLDER)
@click.argument("output", type=FOLDER)
@click.option(
    "--settings", "settings_file", type=FILE, help="JSON file with settings; the rest are defaults."
)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="One setting (can be repeated).")
@click.option("--resume", is_flag=True, help="Go on with the run in OUTPUT.")
@click.option("--device", help="Where to compute; found by itself if left out.")
def distil(
    corpus: Path,
    output: Path,
    settings_file: Path | None,
    changes: tuple[str, ...],
    resume: bool,
    device: str | None,
) -> None:
    """Teach a converted ConvBERT with its BERT on CORPUS; write model, log and checkpoints to OUTPUT.

    \b
    convbert-edu convert minilm START --from-bert --embedding-size 128
    convbert-edu data pack CORPUS --tokenizer START
    convbert-edu distil CORPUS OUTPUT --set student=START --set teacher=minilm --set masked_lm_weight=0.2
    """
    from convbert_edu.device import find_device
    from convbert_edu.distillation.run import distil as run
    from convbert_edu.distillation.settings import DistillationSettings
    from convbert_edu.pretraining.corpus import PretrainingCorpus

    with plain_errors():
        values = settings_from(settings_file, changes)
        if "student" not in values:
            raise click.UsageError("name the model to teach: --set student=FOLDER")
        settings = DistillationSettings.from_dict(values)
        splits = PretrainingCorpus.open(corpus)
        try:
            record = run(
                settings, splits.train, splits.tokenizer, output, resume, find_device(device), splits.held_out
            )
        except KeyboardInterrupt as stop:
            click.echo(f"\n{stop}", err=True)
            sys.exit(130)
    # Of several processes only the first has measured.
    if "held_out" in record:
        click.echo(
            json.dumps({name: record[name] for name in ("steps", "tokens", "seconds", "held_out")}, indent=2)
        )
