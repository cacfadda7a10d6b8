"""`convbert-edu convert` (lesson 06) and `convbert-edu export`."""

from pathlib import Path
from typing import Any

import click

from convbert_edu.cli.common import plain_errors


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
def convert(source: Path, target: Path) -> None:
    """Write the checkpoint SOURCE as the new folder TARGET, which opens here and in transformers.

    SOURCE is a TensorFlow 1 checkpoint of the authors' code, such as model.ckpt-7 (config.json and vocab.txt beside
    it are used; needs TensorFlow), or a model folder saved here or by transformers.
    """
    from convbert_edu.extras.conversion import convert as run

    with plain_errors():
        report = run(source, target)
    for line in report.written:
        click.echo(f"wrote {line}")
    for note in report.notes:
        click.echo(f"note: {note}")


@click.command()
@click.argument("model")
@click.argument("target", type=click.Path(path_type=Path))
def export(model: str, target: Path) -> None:
    """Write MODEL as the ONNX file TARGET, for onnxruntime and other programs.

    MODEL is a folder, the output of a fine-tuning run, a bundled model or OWNER/NAME on the hub. Needs the packages
    of convbert-edu[onnx].
    """
    from convbert_edu.extras.onnx import INPUTS, export_onnx, exported_names

    with plain_errors():
        loaded = _load(model)
        export_onnx(loaded, target)
    click.echo(f"wrote {target}: {type(loaded).__name__}, {loaded.num_parameters():,} parameters")
    click.echo(f"it reads {', '.join(INPUTS)} and gives {', '.join(exported_names(loaded))}")


def _load(name: str) -> Any:
    """Return the model with the head that its folder holds; ValueError where it says a head but holds none."""
    from convbert_edu.checkpoints.folder import resolve_folder
    from convbert_edu.extras.conversion import named_kind
    from convbert_edu.training.run_folder import RunFolder

    of_run = RunFolder(name).model
    folder = resolve_folder(of_run if of_run.is_dir() else name, "weights")
    model = named_kind(folder).from_pretrained(folder)
    if model.loading_report.newly_initialised:
        raise ValueError(
            f"{name} says that it holds a {type(model).__name__}, but weights are missing "
            f"({', '.join(model.loading_report.newly_initialised)}); train it first"
        )
    return model
