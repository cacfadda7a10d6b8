"""`--help` of the commands tells an installed user every setting, what it means and its default."""

import dataclasses
import re

import pytest
from click.testing import CliRunner

from convbert_edu.cli.common import settings_from
from convbert_edu.cli.main import main
from convbert_edu.distillation.settings import DistillationSettings
from convbert_edu.finetuning.data_sources import FILE_FORMATS, load_data
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import TASKS, make_task
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.training.settings import TrainingSettings, meanings


def sections(command: str) -> dict[str, dict[str, str]]:
    """What stands under each title of a command's help: the left column, and the right one in one line."""
    help = CliRunner().invoke(main, [command, "--help"])
    assert help.exit_code == 0, help.output
    found: dict[str, dict[str, str]] = {}
    for block in help.output.split("\n\n"):
        title, *lines = block.splitlines()
        # Two spaces, the name, at least two spaces, the meaning; longer meanings go on further to the right.
        rows = re.findall(r"^  (\S+) {2,}(\S.*(?:\n {6,}\S.*)*)", "\n".join(lines), flags=re.MULTILINE)
        found[title.rstrip(":")] = {left: " ".join(right.split()) for left, right in rows}
    return found


def the_one(found: dict[str, dict[str, str]], beginning: str) -> dict[str, str]:
    (title,) = [title for title in found if title.startswith(beginning)]
    return found[title]


@pytest.mark.parametrize(
    ("command", "settings", "given", "first"),
    [
        ("finetune", FinetuneSettings, {}, "max_length"),
        ("pretrain", PretrainSettings, {}, "objective"),
        ("distil", DistillationSettings, {"student": "..."}, "student"),
    ],
)
def test_every_setting_is_listed_with_its_meaning_and_the_default_as_it_is_typed(
    command: str, settings: type, given: dict[str, str], first: str
):
    listed = the_one(sections(command), "Settings (--set")
    names = [row.partition("=")[0] for row in listed]
    assert sorted(names) == sorted(each.name for each in dataclasses.fields(settings))
    # What makes this kind of run special comes before what others have, too.
    assert names[0] == first
    assert names[-1] == [each.name for each in dataclasses.fields(settings.__mro__[1])][-1]
    assert all(len(meaning.split()) >= 2 for meaning in listed.values())
    # What stands in the left column can be given to --set, and changes nothing.
    assert settings.from_dict(settings_from(None, list(listed))) == settings(**given)


@pytest.mark.parametrize("name", TASKS)
def test_the_options_of_each_task_are_listed_in_the_same_way(name: str):
    if not dataclasses.fields(TASKS[name]):
        assert not [title for title in sections("finetune") if title.startswith(f"Options of {name}")]
        return
    listed = the_one(sections("finetune"), f"Options of {name} (--set")
    assert [row.partition("=")[0] for row in listed] == [
        each.name for each in dataclasses.fields(TASKS[name])
    ]
    assert all(len(meaning.split()) >= 2 for meaning in listed.values())
    assert make_task(name, settings_from(None, list(listed))) == TASKS[name]()


@pytest.mark.parametrize("name", TASKS)
def test_the_data_that_are_listed_are_those_that_the_command_takes(name: str):
    listed = the_one(sections("finetune"), f"Data for {name} (--data)")
    with pytest.raises(ValueError, match="is not known") as refused:
        load_data("no-such-data", name)
    assert f"there are {listed['NAME']}, and FORMAT:FILE" in str(refused.value)
    assert f"the formats {listed['FORMAT:FILE']}, or hub:NAME" in str(refused.value)


def test_every_format_is_listed_with_what_a_file_holds_and_how_it_can_be_read():
    found = sections("finetune")
    assert list(the_one(found, "Formats (--data")) == list(FILE_FORMATS)
    reading = the_one(found, "How files are read (--read")
    assert reading["table"] == (
        "text=text, label=label, text_pair=null, problem_type=single_label_classification or "
        "multi_label_classification or regression, label_names=[], quoted=true, on_bad=stop or skip"
    )
    assert reading["glue"].startswith("task=..., ")
    # Plain text is read in one way only.
    assert "text" not in reading


def test_a_setting_with_another_default_keeps_its_meaning():
    assert FinetuneSettings().epochs != TrainingSettings().epochs
    assert meanings(FinetuneSettings)["epochs"] == meanings(TrainingSettings)["epochs"]


def test_a_setting_without_a_meaning_is_an_error():
    @dataclasses.dataclass
    class Silent(TrainingSettings):
        unexplained: int = 1

    with pytest.raises(KeyError, match="unexplained"):
        meanings(Silent)
