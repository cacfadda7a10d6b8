"""`convbert-edu pretrain` and `convbert-edu data pack` (lessons 08 and 15)."""

from pathlib import Path

import click
from click.core import ParameterSource

from convbert_edu.cli.common import (
    FILE,
    FOLDER,
    CommandWithSettings,
    Section,
    corpus_run_options,
    plain_errors,
    run_on_corpus,
    settings_from,
    settings_section,
)


@click.command("pack")
@click.argument("corpus", type=FOLDER)
@click.option("--text", "texts", multiple=True, type=FILE, help="Your own UTF-8 text file (can be repeated).")
@click.option(
    "--held-out",
    type=FILE,
    help="Text file to measure on; else every 100th document of --text, from the 51st on.",
)
@click.option("--tokenizer", type=FOLDER, help="Folder of a tokenizer to use; else a vocabulary is learned.")
@click.option("--vocab-size", default=8000, show_default=True, help="Entries of the learned vocabulary.")
@click.option("--max-length", default=128, show_default=True, help="Tokens of a sequence.")
@click.option("--pairs", default=0.0, show_default=True, help="Share of sequences that are pairs, 0 to 1.")
@click.option("--recipes", is_flag=True, help="With the course's own texts also the steps of recipes.")
@click.option("--short", default=0.05, show_default=True, help="Share of sequences of random shorter length.")
def pack_data(
    corpus: Path,
    texts: tuple[Path, ...],
    held_out: Path | None,
    tokenizer: Path | None,
    vocab_size: int,
    max_length: int,
    pairs: float,
    recipes: bool,
    short: float,
) -> None:
    """Make the folder CORPUS for pretraining: a vocabulary, packed training text and held-out text.

    Without --text the course's own texts are used (reviews, Wikipedia introductions, the World Factbook).
    """
    from convbert_edu.pretraining.corpus import build_corpus, every_hundredth
    from convbert_edu.pretraining.documents import distillation_texts, pretraining_texts, read_documents
    from convbert_edu.pretraining.packing import Packing
    from convbert_edu.tokenizer import ConvBertTokenizer

    _check_together(texts, held_out, tokenizer, recipes)
    with plain_errors():
        if not texts:
            own_texts = distillation_texts if recipes else pretraining_texts
            readers = (own_texts, lambda: own_texts("validation"))
        elif held_out:
            readers = (lambda: read_documents(texts), lambda: read_documents([held_out]))
        else:
            readers = tuple(
                lambda split=split: every_hundredth(read_documents(texts), held_out=split)
                for split in (False, True)
            )
        built = build_corpus(
            corpus,
            *readers,
            tokenizer=ConvBertTokenizer.from_pretrained(tokenizer) if tokenizer else None,
            vocab_size=vocab_size,
            packing=Packing(max_length=max_length, pair_share=pairs, short_share=short),
        )
    for name, split in (("train", built.train), ("held out", built.held_out)):
        counts = ", ".join(f"{split.index[what]:,} {what}" for what in ("documents", "sequences", "tokens"))
        click.echo(f"{name}: {counts}")


def _check_together(
    texts: tuple[Path, ...], held_out: Path | None, tokenizer: Path | None, recipes: bool
) -> None:
    """Refuse options of which one would go unheeded beside another."""
    if held_out and not texts:
        raise click.UsageError("--held-out needs --text: the course's own texts have held-out ones already")
    if recipes and texts:
        raise click.UsageError("--recipes adds to the course's own texts; leave out either --recipes or --text")
    source = click.get_current_context().get_parameter_source("vocab_size")
    if tokenizer and source is not ParameterSource.DEFAULT:
        raise click.UsageError("--tokenizer brings its own vocabulary; leave out either it or --vocab-size")


def _sections() -> list[Section]:
    """Return what `pretrain --help` lists after its options."""
    from convbert_edu.pretraining.settings import PretrainSettings

    return [settings_section(PretrainSettings)]


@click.command(cls=CommandWithSettings, sections=_sections)
@corpus_run_options
def pretrain(
    corpus: Path,
    output: Path,
    settings_file: Path | None,
    changes: tuple[str, ...],
    resume: bool,
    device: str | None,
) -> None:
    """Pretrain on CORPUS (see `convbert-edu data pack`) and write models, log and checkpoints to OUTPUT.

    \b
    Settings (listed below), for example:
      --set objective=masked_lm --set steps=20000 --set 'sizes={"hidden_size": 256}'
    """
    from convbert_edu.pretraining.run import pretrain as run
    from convbert_edu.pretraining.settings import PretrainSettings

    with plain_errors():
        settings = PretrainSettings.from_dict(settings_from(settings_file, changes))
        run_on_corpus(run, settings, corpus, output, resume, device)
