"""Publishing: a model on the hub in one commit, with a model card that is written from the record of its training.

The card says what a model is, what it learned from and how well.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from convbert_edu.checkpoints.hub import check_repository
from convbert_edu.config import read_json_object
from convbert_edu.data.datasets.sources import find_source
from convbert_edu.files import atomic_write
from convbert_edu.finetuning.tasks import TASKS
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.run_folder import RunLog

CARD_FILE = "README.md"
# Lines of the log that the card shows, evenly spread.
CURVE_LINES = 10
CURVE_COLUMNS = ("loss", "hidden_error", "masked_lm_loss", "masked_lm_accuracy", "detection_loss")
# Settings that name a folder of somebody's machine.
FOLDER_SETTINGS = ("start_generator", "start_discriminator")
# What the hub calls the task of a model, by the name of its class.
PIPELINE_TAGS = {task.model_class.__name__: task.pipeline_tag for task in TASKS.values() if task.pipeline_tag}


@dataclass(kw_only=True)
class TrainingStage:
    """One run: what it was for, its settings, how long it took and what was logged and measured."""

    what: str
    settings: Mapping[str, Any]
    steps: int
    tokens: int
    seconds: float
    log: list[dict[str, Any]] = field(default_factory=list)
    held_out: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_run(cls, folder: Path, what: str) -> Self:
        """Read the folder of a finished pretraining run: record.json and log.jsonl.

        Raises FileNotFoundError where one of them is missing: the run has not come to its end.
        """
        for name in ("record.json", "log.jsonl"):
            if not (folder / name).is_file():
                raise FileNotFoundError(
                    f"{folder / name} is missing; a card is made from the folder of a finished pretraining run"
                )
        log = RunLog(folder / "log.jsonl").lines()
        return cls.from_record(read_json_object(folder / "record.json"), what, log)

    @classmethod
    def from_record(cls, record: Mapping[str, Any], what: str, log: list[dict[str, Any]]) -> Self:
        """Take what a card needs from the record that a pretraining run returned, and from the lines of its log."""
        numbers = {name: record[name] for name in ("settings", "steps", "tokens", "seconds")}
        versions = {"torch": record["torch"]}
        return cls(what=what, log=log, held_out=record["held_out"] or {}, versions=versions, **numbers)


@dataclass(kw_only=True)
class TrainingRecord:
    """All that a card says.

    what: one or two sentences; sources: names in the table of convbert_edu.data.SOURCES
    results: figures measured after training, by what they measure
    reproduce: commands; tried: other recipes, and what they gave
    """

    name: str
    what: str
    model_class: str
    parameters: int
    stages: list[TrainingStage]
    sources: tuple[str, ...]
    results: Mapping[str, float | str]
    limits: list[str]
    reproduce: list[str]
    tried: list[str] = field(default_factory=list)
    licence: str = "apache-2.0"
    language: str = "en"


def model_card(record: TrainingRecord) -> str:
    """Return the card as Markdown, with the header that the hub reads.

    Raises ValueError for a source of text that is not in the table.
    """
    header = {"license": record.licence, "language": record.language, "library_name": "convbert_edu"}
    if record.model_class in PIPELINE_TAGS:
        header["pipeline_tag"] = PIPELINE_TAGS[record.model_class]
    lines = ["---", *(f"{key}: {value}" for key, value in header.items()), "tags:", "- convbert", "---", ""]
    lines += [f"# {record.name}", "", record.what, ""]
    lines += [f"A `{record.model_class}` of {record.parameters:,} parameters.", "", *_use(record)]
    lines += ["## Data", "", *_data(record)]
    for number, stage in enumerate(record.stages, start=1):
        lines += [f"## Training, stage {number}: {stage.what}", "", *_stage(stage)]
    lines += ["## Results", "", *_table(("measured", "value"), list(record.results.items())), ""]
    if record.tried:
        lines += ["## What was tried", "", *(f"- {trial}" for trial in record.tried), ""]
    lines += ["## Limits", "", *(f"- {limit}" for limit in record.limits), ""]
    lines += ["## How to make it again", "", "```", *record.reproduce, "```", ""]
    lines += ["## Licence", "", f"Weights: {record.licence}. The licences of the texts stand under Data.", ""]
    return "\n".join(lines)


def _use(record: TrainingRecord) -> list[str]:
    return [
        "```python",
        f"from convbert_edu import {record.model_class}, ConvBertTokenizer",
        "",
        f'tokenizer = ConvBertTokenizer.from_pretrained("{record.name}")',
        f'model = {record.model_class}.from_pretrained("{record.name}")',
        "```",
        "",
    ]


def _data(record: TrainingRecord) -> list[str]:
    sources = [find_source(name) for name in record.sources]
    rows = [(source.what, source.licence, source.citation) for source in sources]
    return [*_table(("what", "licence", "source"), rows), ""]


def _stage(stage: TrainingStage) -> list[str]:
    """How long, with which settings, how the loss fell, and what was measured at the end."""
    hours = (
        f"{stage.seconds / 3600:.1f} hours" if stage.seconds >= 3600 else f"{stage.seconds / 60:.0f} minutes"
    )
    versions = "".join(f", {name} {version}" for name, version in stage.versions.items())
    lines = [f"{stage.steps:,} steps, {stage.tokens:,} tokens, {hours}{versions}.", ""]
    settings = [(name, json.dumps(_without_path(name, value))) for name, value in stage.settings.items()]
    lines += [*_table(("setting", "value"), settings), ""]
    steps = [line for line in stage.log if "loss" in line]
    if steps:
        columns = [name for name in CURVE_COLUMNS if name in steps[-1]]
        chosen = sorted({round(i * (len(steps) - 1) / (CURVE_LINES - 1)) for i in range(CURVE_LINES)})
        curve = [(f"{steps[i]['step']:,}", *(steps[i].get(name) for name in columns)) for i in chosen]
        lines += ["Means since the line before, while training:", ""]
        lines += [*_table(("step", *columns), curve), ""]
    if stage.held_out:
        lines += ["On held-out text, at the end:", ""]
        lines += [*_table(("measured", "value"), list(stage.held_out.items())), ""]
    return lines


def _without_path(name: str, value: Any) -> Any:
    """Shorten the path of a folder on somebody's machine to its last name."""
    return Path(value).name if name in FOLDER_SETTINGS and isinstance(value, str) else value


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Return a Markdown table; numbers get four digits."""
    cells = [
        [f"{cell:.4g}" if isinstance(cell, float) else str(cell).replace("|", "\\|") for cell in row]
        for row in rows
    ]
    return [f"| {' | '.join(row)} |" for row in (list(head), ["---"] * len(head), *cells)]


def push_to_hub(
    model: PretrainedModel,
    repo_id: str,
    tokenizer: ConvBertTokenizer | None = None,
    record: TrainingRecord | None = None,
    *,
    private: bool | None = None,
    revision: str | None = None,
    token: str | None = None,
    commit_message: str = "Upload a ConvBERT model",
) -> str:
    """Publish `model` as the repository `repo_id` (OWNER/NAME) and return the address of the commit.

    With a `tokenizer` the folder is complete; with a `record` of the training it gets a model card. The repository
    is made if there is none, `private` or not; `revision` is a branch that exists. All files appear in one commit,
    or none. Where to, and who you are, is the client's business: HF_ENDPOINT, HF_TOKEN or `hf auth login`.
    Raises PermissionError where you may not write, ConnectionError where the hub cannot be reached, ValueError for
    an impossible `repo_id`.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    check_repository(repo_id, revision)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), model, tokenizer, record)
        files = [
            CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=path)
            for path in sorted(Path(folder).iterdir())
        ]
        hub = HfApi(token=token)
        with _explained(repo_id):
            hub.create_repo(repo_id, private=private, exist_ok=True)
            commit = hub.create_commit(repo_id, files, commit_message=commit_message, revision=revision)
    return commit.commit_url


def write_folder(
    folder: Path,
    model: PretrainedModel,
    tokenizer: ConvBertTokenizer | None = None,
    record: TrainingRecord | None = None,
) -> None:
    """Write what is published, as files: the same folder that a bundled model has."""
    model.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    if record is not None:
        with atomic_write(folder / CARD_FILE, "w") as file:
            file.write(model_card(record))


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """Turn the client's errors into the standard ones, which say what to do."""
    from huggingface_hub import constants, errors

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ConnectionError(
            f"{repo_id!r} was not published: HF_HUB_OFFLINE forbids it; set HF_HUB_OFFLINE=0"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise FileNotFoundError(
            f"{repo_id!r} was not published: the repository has no such branch ({error.server_message}); make it "
            "first, or leave `revision` out"
        ) from error
    except errors.HfHubHTTPError as error:
        said = error.server_message or error
        # 404: strangers do not learn what is there.
        if error.response.status_code in (401, 403, 404):
            raise PermissionError(
                f"{repo_id!r} was not published: {constants.ENDPOINT} does not let you write there ({said}); log in "
                "with `hf auth login`, or check HF_TOKEN and that it may write"
            ) from error
        raise ConnectionError(f"{repo_id!r} was not published: {constants.ENDPOINT} said {said}") from error
    except (errors.HTTPError, RuntimeError) as error:
        # RuntimeError: a file that did not get through.
        raise ConnectionError(
            f"{repo_id!r} was not published: the connection to {constants.ENDPOINT} failed "
            f"({error.__cause__ or error}); try again"
        ) from error
