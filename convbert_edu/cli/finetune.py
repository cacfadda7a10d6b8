"""`convbert-edu finetune` (lessons 09 to 13 and 15)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from convbert_edu.cli.common import (
    FILE,
    FOLDER,
    CommandWithSettings,
    Section,
    describe,
    plain_errors,
    settings_from,
    settings_section,
    shown_default,
    stoppable,
)


def _sections() -> list[Section]:
    """Return what `finetune --help` lists after its options."""
    from convbert_edu.finetuning.data_sources import FILE_FORMATS, known_sources
    from convbert_edu.finetuning.settings import LARGE, LARGE_RATE, FinetuneSettings
    from convbert_edu.finetuning.tasks import TASKS

    sections: list[Section] = []
    for name in TASKS:
        named, formats = known_sources(name)
        rows = [
            ("NAME", ", ".join(named)),
            ("FORMAT:FILE", ", ".join(formats)),
            ("hub:NAME", "a data set of the hub"),
        ]
        sections.append((f"Data for {name} (--data)", rows))
    sections.append(
        ("Formats (--data FORMAT:FILE)", [(name, each.meaning) for name, each in FILE_FORMATS.items()])
    )
    reading = [(name, _as_typed(each.read)) for name, each in FILE_FORMATS.items()]
    sections.append(
        (
            "How files are read (--read NAME=VALUE; here with their defaults)",
            [row for row in reading if row[1]],
        )
    )
    sections.append(settings_section(FinetuneSettings))
    others = [
        (f"{setting}={value}", f"for {name}")
        for name, task in TASKS.items()
        for setting, value in task.paper_settings.items()
    ]
    rate = (f"learning_rate={LARGE_RATE}", f"for models with a hidden_size of {LARGE} or more")
    sections.append(("Other defaults, where nothing is set", [rate, *others]))
    for name, task in TASKS.items():
        if options := describe(task):
            sections.append((f"Options of {name} (--set 'task_options={{\"NAME\": VALUE}}')", options))
    return sections


def _as_typed(read: Callable[..., Any]) -> str:
    """Return the options of a reader of files as they are typed, with the values that there are to choose from."""
    from convbert_edu.finetuning.data_sources import reading_options

    shown = []
    for name, default in reading_options(read).items():
        choices = get_args(get_type_hints(read)[name])
        is_choice = get_origin(get_type_hints(read)[name]) is Literal
        shown.append(f"{name}={' or '.join(choices) if is_choice else shown_default(default)}")
    return ", ".join(shown)


@click.command(cls=CommandWithSettings, sections=_sections)
@click.argument("task")
@click.option("--data", "source", required=True, help="Name of a data set, or FORMAT:FILE to learn from.")
@click.option("--validation", type=FILE, help="File by which the best epoch is chosen, in the same format.")
@click.option("--test", type=FILE, help="File that is measured once, at the end, in the same format.")
@click.option(
    "--read", "options", multiple=True, metavar="NAME=VALUE", help="How to read files, such as label=stars."
)
@click.option("--model", required=True, help="Model to start from: a name or a folder.")
@click.option("--output", required=True, type=FOLDER, help="Folder of the run: model, log and record.")
@click.option("--settings", "file", type=FILE, help="JSON file with settings; the rest are defaults.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="One setting (can be repeated).")
@click.option("--resume", is_flag=True, help="Go on with the run in --output.")
@click.option("--device", help="Where to compute; found by itself if left out.")
def finetune(
    task: str,
    source: str,
    validation: Path | None,
    test: Path | None,
    options: tuple[str, ...],
    model: str,
    output: Path,
    file: Path | None,
    changes: tuple[str, ...],
    resume: bool,
    device: str | None,
) -> None:
    """Fine-tune a model for TASK.

    TASK is classification, token-classification, question-answering, multiple-choice or masked-lm.

    \b
    convbert-edu finetune classification --data reviews:rt --model convbert-tiny --output runs/rt
    convbert-edu finetune question-answering --data squad:train.json --validation dev.json --model ... --output ...

    The defaults are the authors' recipe. All settings are listed below with their meaning.
    """
    from convbert_edu.config import ConvBertConfig
    from convbert_edu.device import find_device
    from convbert_edu.finetuning.data_sources import TEN_EPOCHS, load_data
    from convbert_edu.finetuning.run import finetune as run
    from convbert_edu.finetuning.settings import FinetuneSettings
    from convbert_edu.finetuning.tasks import make_task
    from convbert_edu.training.settings import check_type

    with plain_errors():
        values = settings_from(file, changes)
        task_options = values.get("task_options", {})
        # The other settings wait for the task, on which their defaults depend.
        check_type("task_options", task_options, dict)
        chosen = make_task(task, task_options)
        config = ConvBertConfig.from_pretrained(model)
        reading = settings_from(None, options, "--read")
        epochs = {"epochs": 10} if reading.get("task") in TEN_EPOCHS else {}
        settings = FinetuneSettings.recipe(chosen, config, **(epochs | values))
        splits = load_data(source, chosen.name, validation, test, reading)
        with stoppable():
            record = run(chosen, splits, model, output, settings, resume, find_device(device))
    for split, count in record.get("cut", {}).items():
        click.echo(
            f"{count} of {record['examples'][split]} examples of the {split} split did not fit into max_length = "
            f"{record['settings']['max_length']} tokens and were cut; a larger max_length reads more of them",
            err=True,
        )
    shown = ("task", "examples", "steps", "seconds", "best_epoch", "validation", "test")
    click.echo(json.dumps({name: record[name] for name in shown if name in record}, indent=2))
