"""What the commands share: settings from the command line, errors that explain themselves, runs on a corpus.

Settings come from a JSON file and as NAME=VALUE; --help lists them with their meaning.
"""

import dataclasses
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from convbert_edu.files import read_json_object

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
Section = tuple[str, list[tuple[str, str]]]


class CommandWithSettings(click.Command):
    """A command whose --help ends with further lists: a title, and what stands under it with its meaning.

    sections: returns the lists; called only for --help, because it imports what the command needs to run
    """

    def __init__(self, *arguments: Any, sections: Callable[[], list[Section]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sections = sections

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lists."""
        for title, rows in self.sections():
            with formatter.section(title):
                formatter.write_dl(rows)


def settings_section(settings: type) -> Section:
    """Return the list of a dataclass of settings for --help."""
    return "Settings (--set NAME=VALUE; here with their defaults; null means None)", describe(settings)


def describe(settings: type) -> list[tuple[str, str]]:
    """Return each field of a dataclass as NAME=DEFAULT, the way it is given on the command line, and its meaning."""
    from convbert_edu.training.settings import meanings

    values = {field.name: _default(field) for field in dataclasses.fields(settings)}
    return [(f"{name}={values[name]}", meaning) for name, meaning in meanings(settings).items()]


def _default(field: dataclasses.Field) -> str:
    """Return the default of a field as it is typed; "..." where a value has to be given."""
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return shown_default(...)
    return shown_default(
        field.default if field.default is not dataclasses.MISSING else field.default_factory()
    )


def shown_default(value: Any) -> str:
    """Return a default as it is typed; "..." for an Ellipsis, where a value has to be given."""
    if value is ...:
        return "..."
    return value if isinstance(value, str) else json.dumps(value)


def settings_from(file: Path | None, changes: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """Return the settings of a file, replaced by the single ones; ValueError for what cannot be read."""
    return (read_json_object(file) if file else {}) | dict(_name_and_value(text, option) for text in changes)


def _name_and_value(text: str, option: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON (0.001, true, {"a": 1}), or else plain text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{option} {text!r} has no '='; write {option} name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show an error that explains itself as one message instead of a traceback, and exit with code 1.

    Warnings are shown in the same way, without the place in the code that gives them.
    """
    usual = warnings.formatwarning
    warnings.formatwarning = lambda message, *place: f"Warning: {message}\n"
    try:
        yield
    except (ValueError, ArithmeticError, OSError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        warnings.formatwarning = usual


@contextmanager
def stoppable() -> Iterator[None]:
    """Show what a run that was stopped by Ctrl-C says, and exit with code 130, as shells do."""
    try:
        yield
    except KeyboardInterrupt as stop:
        click.echo(f"\n{stop}", err=True)
        sys.exit(130)


# What `pretrain` and `distil` have in common ----------------------------------------------------------------


def corpus_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments and options of a run on a corpus; `run_on_corpus` takes them."""
    parameters = (
        click.argument("corpus", type=FOLDER),
        click.argument("output", type=FOLDER),
        click.option(
            "--settings", "settings_file", type=FILE, help="JSON file with settings; the rest are defaults."
        ),
        click.option(
            "--set", "changes", multiple=True, metavar="NAME=VALUE", help="One setting (can be repeated)."
        ),
        click.option("--resume", is_flag=True, help="Go on with the run in OUTPUT."),
        click.option("--device", help="Where to compute; found by itself if left out."),
    )
    # As decorators do, which stand in this order and are applied from the last one up.
    for parameter in reversed(parameters):
        command = parameter(command)
    return command


def run_on_corpus(
    train: Callable[..., dict[str, Any]],
    settings: Any,
    corpus: Path,
    output: Path,
    resume: bool,
    device: str | None,
) -> None:
    """Let `train` (pretrain or distil) learn as `settings` say from the folder `corpus`, and print what came out."""
    from convbert_edu.device import find_device
    from convbert_edu.pretraining.corpus import PretrainingCorpus

    opened = PretrainingCorpus.open(corpus)
    with stoppable():
        record = train(
            settings, opened.train, opened.tokenizer, output, resume, find_device(device), opened.held_out
        )
    # Of several processes only the main one has measured.
    if "held_out" in record:
        shown = ("steps", "tokens", "seconds", "held_out")
        click.echo(json.dumps({name: record[name] for name in shown}, indent=2))
