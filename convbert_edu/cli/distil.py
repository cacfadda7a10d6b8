"""`convbert-edu distil`: a student learns from a teacher (lesson 16)."""

from pathlib import Path

import click

from convbert_edu.cli.common import (
    CommandWithSettings,
    Section,
    corpus_run_options,
    plain_errors,
    run_on_corpus,
    settings_from,
    settings_section,
)


def _sections() -> list[Section]:
    """Return what `distil --help` lists after its options."""
    from convbert_edu.distillation.settings import DistillationSettings

    return [settings_section(DistillationSettings)]


@click.command(cls=CommandWithSettings, sections=_sections)
@corpus_run_options
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
    from convbert_edu.distillation.run import distil as run
    from convbert_edu.distillation.settings import DistillationSettings

    with plain_errors():
        values = settings_from(settings_file, changes)
        if "student" not in values:
            raise click.UsageError("name the model to teach: --set student=FOLDER")
        run_on_corpus(run, DistillationSettings.from_dict(values), corpus, output, resume, device)
