"""`convbert-edu predict` (lessons 10 and 11): a fine-tuned model answers for texts, files or standard input."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convbert_edu.cli.common import plain_errors

if TYPE_CHECKING:
    from convbert_edu.finetuning.predictor import Predictor

# Inputs read at once: answers come while there is more to read, and memory does not grow with the input.
AT_ONCE = 256
# A line, or named fields.
Input = str | dict[str, Any]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--model", required=True, help="Folder of a fine-tuning run, or a model with a trained head.")
@click.option("--text", "texts", multiple=True, help="A text to answer for (can be repeated).")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1))
@click.option("--device", help="Where to compute; found by itself if left out.")
def predict(
    files: tuple[Path, ...], model: str, texts: tuple[str, ...], batch_size: int, device: str | None
) -> None:
    """Answer for texts: --text, FILES, or standard input; one line of JSON for each comes out.

    A line of input is a plain text or a JSON object with the fields that the task needs: text and text_pair; words;
    question and context; context and choices; or text with [MASK] in it. Empty lines are passed over.
    """
    from convbert_edu.device import find_device
    from convbert_edu.finetuning.predictor import Predictor

    with plain_errors():
        predictor = Predictor.load(model, find_device(device))
        named = ((f"--text {text!r}", {"text": text}) for text in texts)
        inputs = chain(named, _inputs(files) if files or not texts else ())
        while some := list(islice(inputs, AT_ONCE)):
            for answer in _answers(predictor, some, batch_size):
                click.echo(json.dumps(answer, ensure_ascii=False))


def _answers(
    predictor: "Predictor", inputs: list[tuple[str, Input]], batch_size: int
) -> Iterator[dict[str, Any]]:
    """Yield what the model predicts for inputs that come with their places; an error names the place of a wrong one."""
    try:
        yield from predictor.predict([_parsed(given) for _, given in inputs], batch_size)
    except ValueError:
        # Again one by one: those before the wrong one are answered, and choices of different numbers do not meet.
        for where, given in inputs:
            try:
                answers = predictor.predict([_parsed(given)])
            except ValueError as error:
                raise ValueError(f"{where}: {str(error).removeprefix('input 1: ')}") from None
            yield from answers


def _inputs(files: tuple[Path, ...]) -> Iterator[tuple[str, Input]]:
    """Yield the lines of the files, or of standard input where there are none, each with its place."""
    for file in files or (None,):
        name = "standard input" if file is None else str(file)
        with (
            click.open_file("-", encoding="utf-8-sig")
            if file is None
            else file.open(encoding="utf-8-sig") as lines
        ):
            try:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield f"{name}, line {number}", line.strip()
            except UnicodeDecodeError as error:
                raise ValueError(f"{name} is not UTF-8 text ({error}); convert it first") from None


def _parsed(given: Input) -> Input:
    """Return the fields of a line of JSON, which begins with {; other lines are texts."""
    if isinstance(given, dict) or not given.startswith("{"):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise ValueError(f"it is not valid JSON ({error}); correct it, or leave it out") from None
