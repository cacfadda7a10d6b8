"""Fine-tuning runs, end to end: they learn, repeat, go on where they stopped, and refuse what is wrong."""

import dataclasses
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from convbert_edu import ConvBertForSequenceClassification
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import Classification
from convbert_edu.training.run_checkpoint import newest_checkpoint
from convbert_edu.training.run_folder import RunLog
from full_disk import full_disk
from tiny_tasks import CPU, NAMES, quick_settings, save_tiny_model, which_animal
from tolerance import assert_same_record, assert_same_training


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


def run(model: Path, folder: Path, settings: FinetuneSettings | None = None, **options) -> dict:
    splits = options.pop("splits", which_animal())
    task = options.pop("task", Classification())
    return finetune(task, splits, model, folder, settings or quick_settings(), device=CPU, **options)


def assert_same_weights(one: Path, other: Path) -> None:
    """Two runs in float64 ended with the same weights, but for rounding."""
    assert_same_training(*(load_file(folder / "model" / "model.safetensors") for folder in (one, other)))


def test_a_run_learns_and_leaves_the_best_model_with_its_record_and_log(model, tmp_path: Path):
    record = run(model, tmp_path, quick_settings(epochs=10, learning_rate=1e-2), splits=which_animal(150))
    assert record["test"]["accuracy"] > 0.9
    assert json.loads((tmp_path / "record.json").read_text()) == record
    assert record["examples"] == {"train": 100, "validation": 25, "test": 25}
    log = RunLog(tmp_path / "log.jsonl").lines()
    assert [line["step"] for line in log if "loss" in line] == list(range(1, 131))
    assert [line["validation"] for line in log if "validation" in line] == record["epochs"]
    accuracies = [epoch["accuracy"] for epoch in record["epochs"]]
    assert record["best_epoch"] == accuracies.index(max(accuracies)) + 1
    best = ConvBertForSequenceClassification.from_pretrained(tmp_path / "model")
    assert tuple(best.config.id2label.values()) == NAMES
    assert not (tmp_path / "checkpoints").exists()
    with pytest.raises(FileExistsError, match="holds a run already, it is complete"):
        run(model, tmp_path)


def test_resuming_a_complete_run_gives_its_record_and_refuses_what_it_did_not_do(model, tmp_path: Path):
    record = run(model, tmp_path)
    assert run(model, tmp_path, quick_settings(log_every=7), resume=True) == record
    for settings, splits, message in (
        (quick_settings(epochs=3), which_animal(), "record.json belongs to another run: epochs was 2, now 3"),
        (quick_settings(max_length=9), which_animal(), "max_length was 64, now 9"),
        (quick_settings(), which_animal(66), "examples was"),
    ):
        with pytest.raises(ValueError, match=message):
            run(model, tmp_path, settings, splits=splits, resume=True)
    with pytest.raises(ValueError, match=r"task_options was .*'windows': 1.*, now .*'windows': 3"):
        run(model, tmp_path, task=Classification(windows=3), resume=True)


@pytest.mark.parametrize("name", ["model", "log.jsonl"])
def test_what_is_no_run_is_not_written_over(model, tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError, match=f"{name} exists already and would be written over"):
        run(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("float64")
def test_accumulation_gives_the_weights_of_the_larger_batch(model, tmp_path: Path):
    """43 examples: the last step of an epoch has 11, which are 4 + 4 + 3 + 0."""
    still = {"hidden_dropout_prob": 0.0, "classifier_dropout": 0.0, "attention_probs_dropout_prob": 0.0}
    splits = Splits(which_animal(100).train[:43], [], [], NAMES)
    for name, sizes in (("large", (16, 1)), ("small", (4, 4))):
        settings = quick_settings(batch_size=sizes[0], gradient_accumulation_steps=sizes[1], config=still)
        run(model, tmp_path / name, settings, splits=splits)
    assert_same_weights(tmp_path / "large", tmp_path / "small")


def test_the_run_stops_early_and_keeps_the_best_epoch(model, tmp_path: Path):
    """A learning rate of almost nothing: no epoch is better than the first."""
    record = run(model, tmp_path, quick_settings(epochs=9, patience=2, learning_rate=1e-12))
    assert (len(record["epochs"]), record["best_epoch"]) == (3, 1)


@pytest.mark.usefixtures("float64")
def test_the_same_seed_gives_the_same_weights_and_from_scratch_starts_anew(model, tmp_path: Path):
    for name, seed, scratch in (("one", 3, False), ("two", 3, False), ("three", 4, False), ("four", 3, True)):
        run(model, tmp_path / name, quick_settings(epochs=1, seed=seed, from_scratch=scratch))
    assert_same_weights(tmp_path / "one", tmp_path / "two")
    for other in ("three", "four"):
        with pytest.raises(AssertionError):
            assert_same_weights(tmp_path / "one", tmp_path / other)


def ctrl_c_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Send this process a real Ctrl-C when the dropout of `step` is seeded."""
    seeded = 0
    real = torch.manual_seed

    def count(seed: int) -> torch.Generator:
        nonlocal seeded
        seeded += 1
        if seeded == step + 1:  # the first one is for the head
            os.kill(os.getpid(), signal.SIGINT)
        return real(seed)

    monkeypatch.setattr(torch, "manual_seed", count)


@pytest.mark.usefixtures("float64")
def test_without_dropout_a_run_is_that_of_a_model_which_has_none(tmp_path: Path):
    """The model itself keeps its dropout, for whoever trains it next."""
    model = save_tiny_model(tmp_path / "model")
    bare = save_tiny_model(tmp_path / "bare", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    for name, start, settings in (
        ("asked for", model, quick_settings(dropout=0.0)),
        ("has none", bare, quick_settings()),
        ("its own", model, quick_settings()),
    ):
        run(start, tmp_path / name, settings)
    assert_same_weights(tmp_path / "asked for", tmp_path / "has none")
    with pytest.raises(AssertionError):
        assert_same_weights(tmp_path / "asked for", tmp_path / "its own")
    config = ConvBertForSequenceClassification.from_pretrained(tmp_path / "asked for" / "model").config
    assert config.hidden_dropout_prob == 0.1


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("step", [3, 5, 20])  # 5 steps an epoch: within one, at its end, at the very end
def test_ctrl_c_saves_and_says_how_to_go_on(model, tmp_path: Path, monkeypatch, step: int):
    settings = quick_settings(epochs=4)
    whole = run(model, tmp_path / "whole", settings)
    with monkeypatch.context() as patch:
        ctrl_c_at(patch, step)
        message = rf"last good checkpoint is .*step-{step:09}.pt; go on with --resume"
        with pytest.raises(KeyboardInterrupt, match=message):
            run(model, tmp_path / "stopped", settings)
    stopped = run(model, tmp_path / "stopped", settings, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "stopped")
    assert_same_record({**stopped, "seconds": 0}, {**whole, "seconds": 0})
    assert_same_record(*(RunLog(tmp_path / name / "log.jsonl").lines() for name in ("stopped", "whole")))


@pytest.mark.usefixtures("float64")
def test_a_run_may_go_on_with_less_memory_and_ends_with_the_same_weights(model, tmp_path: Path, monkeypatch):
    run(model, tmp_path / "whole", quick_settings(epochs=4))
    with monkeypatch.context() as patch:
        ctrl_c_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            run(model, tmp_path / "stopped", quick_settings(epochs=4))
    run(model, tmp_path / "stopped", quick_settings(epochs=4, gradient_checkpointing=True), resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.usefixtures("float64")
def test_a_full_disk_stops_the_run_and_keeps_the_last_good_checkpoint(model, tmp_path: Path):
    """The first checkpoint has room, twice the model's file in float64; with the optimiser's memory it is six times."""
    run(model, tmp_path / "whole")
    settings = quick_settings(checkpoint_minutes=0.0)
    size = model.joinpath("model.safetensors").stat().st_size
    full = pytest.raises(
        OSError, match=r"checkpoint of step 1 .*last good checkpoint is .*step-000000000\.pt"
    )
    with full_disk(after=size * 3), full:
        run(model, tmp_path / "stopped", settings)
    run(model, tmp_path / "stopped", settings, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "stopped")


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_last_good_checkpoint(model, tmp_path: Path):
    settings = quick_settings(learning_rate=1e30, warmup_fraction=0.0, checkpoint_minutes=0.0)
    with pytest.raises(ArithmeticError, match=r"at step (\d+).*last good checkpoint is") as error:
        run(model, tmp_path, settings)
    step = int(str(error.value).split("at step ")[1].split(" ")[0])
    last = newest_checkpoint(tmp_path / "checkpoints")
    assert last.name == f"step-{step - 1:09d}.pt"
    assert str(last) in str(error.value)


def test_two_runs_in_one_folder_are_refused(model, tmp_path: Path):
    (tmp_path / "run").mkdir()
    with (
        FileLock(tmp_path / "run" / ".lock"),
        pytest.raises(FileExistsError, match="another run is writing to"),
    ):
        run(model, tmp_path / "run")
    run(model, tmp_path / "run")  # the lock is free, the file may still be there


def test_resuming_with_other_settings_or_data_names_what_differs(model, tmp_path: Path, monkeypatch):
    with monkeypatch.context() as patch:
        ctrl_c_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            run(model, tmp_path)
    with pytest.raises(ValueError, match=r"another run: learning_rate was 0.002, now 0.1\."):
        run(model, tmp_path, quick_settings(learning_rate=0.1, log_every=5), resume=True)
    with pytest.raises(ValueError, match="another run: data was"):
        run(model, tmp_path, splits=which_animal(66), resume=True)
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume"):
        run(model, tmp_path / "nowhere", resume=True)
    assert not (tmp_path / "nowhere").exists()


def test_data_and_settings_that_do_not_fit_are_refused_before_anything_is_written(model, tmp_path: Path):
    splits = which_animal()
    with pytest.raises(ValueError, match="training split is empty"):
        run(model, tmp_path / "run", splits=dataclasses.replace(splits, train=[]))
    wrong = dataclasses.replace(splits, validation=[TextExample("the cat", 6)])
    with pytest.raises(
        ValueError, match=r"example 0 has the label 6, but the head has 6 labels, 0 to 5 \(cat, "
    ):
        run(model, tmp_path / "run", splits=wrong)
    with pytest.raises(ValueError, match=r"max_length is 65, but the model reads at most .* 64 tokens"):
        run(model, tmp_path / "run", quick_settings(max_length=65))
    assert not (tmp_path / "run").exists()


def test_options_in_the_settings_that_the_task_lacks_are_refused(model, tmp_path: Path):
    """The record would name them, and the run would not have heeded them."""
    settings = quick_settings(epochs=1, task_options={"windows": 3})
    with pytest.raises(ValueError, match=r"task_options is \{'windows': 3\}, but the task has .*'windows': 1"):
        run(model, tmp_path, settings)
    assert not list(tmp_path.iterdir())


def test_a_trained_head_for_other_labels_is_replaced_only_when_asked(model, tmp_path: Path):
    run(model, tmp_path / "six", quick_settings(epochs=1))
    two = Splits([TextExample("the cat", 0), TextExample("the dog", 1)] * 8, [], [], ("cat", "dog"))
    with pytest.raises(ValueError, match=r"trained head for 6 labels \(cat, .*\), but the data has 2"):
        run(tmp_path / "six" / "model", tmp_path / "two", splits=two)
    swapped = Splits([TextExample("the cat", 0)], [], [], (NAMES[1], NAMES[0], *NAMES[2:]))
    with pytest.raises(ValueError, match=rf"labels {NAMES[0]}, .* in the order {NAMES[1]}, {NAMES[0]}"):
        run(tmp_path / "six" / "model", tmp_path / "two", splits=swapped)
    run(tmp_path / "six" / "model", tmp_path / "two", quick_settings(epochs=1, new_head=True), splits=two)
    assert (
        ConvBertForSequenceClassification.from_pretrained(tmp_path / "two" / "model").config.num_labels == 2
    )
