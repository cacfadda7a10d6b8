"""`convbert-edu convert`."""

from pathlib import Path

import click

from convbert_edu.commands.plain_errors import plain_errors


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
def convert(source: Path, target: Path) -> None:
    """Write the checkpoint SOURCE as the new folder TARGET, which opens here and in transformers.

    SOURCE is a TensorFlow 1 checkpoint of the authors' code, such as model.ckpt-7 (config.json and vocab.txt beside
    it are used; needs TensorFlow), or a model folder saved here or by transformers.
    """
    from convbert_edu.conversion import convert as run

    with plain_errors():
        report = run(source, target)
    for line in report.written:
        click.echo(f"wrote {line}")
    for note in report.notes:
        click.echo(f"note: {note}")
