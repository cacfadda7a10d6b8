"""What every head must do: learn its task, and end with the same weights after kill -9, as with no interruption."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from convbert_edu import ConvBertTokenizer
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.tasks import TASKS
from convbert_edu.training.predict import predict
from convbert_edu.training.run_checkpoint import newest_checkpoint
from convbert_edu.training.run_folder import RunLog
from tiny_tasks import CPU, EVERY_TASK, quick_settings, save_tiny_model
from tolerance import assert_same_record, assert_same_training


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


# For each task the metric, and what is well above guessing.
GOALS = {
    "classification": ("accuracy", 0.9),
    "token-classification": ("entity_f1", 0.9),
    "question-answering": ("f1", 0.6),
    "multiple-choice": ("accuracy", 0.8),
    "masked-lm": ("accuracy", 0.35),
}


def test_every_task_is_tested():
    assert TASKS.keys() == EVERY_TASK.keys() == GOALS.keys()


@pytest.mark.parametrize("name", list(TASKS))
def test_every_head_learns_its_task(model: Path, tmp_path: Path, name: str):
    splits, (metric, goal) = EVERY_TASK[name](150), GOALS[name]
    settings = quick_settings(epochs=14, learning_rate=1e-2, config={"hidden_dropout_prob": 0.0})
    record = finetune(TASKS[name](), splits, model, tmp_path, settings, device=CPU)
    assert record["test"][metric] > goal
    # What the saved model answers is what was measured.
    task = TASKS[name](**record["task_options"])
    best = task.model_class.from_pretrained(tmp_path / "model")
    assert best.loading_report.newly_initialised == []
    tokenizer = ConvBertTokenizer.from_pretrained(tmp_path / "model")
    encoded = task.encode(splits.test, tokenizer, record["settings"]["max_length"], best.config)
    results = predict(best, encoded, task.postprocess, batch_size=64)
    assert_same_record(task.metrics(results, encoded, splits.test, best.config), record["test"])
    if name != "masked-lm":
        assert len(json.dumps(task.predictions(results, encoded, splits.test, best.config))) > 1000


KILLED = """
import json, sys, torch
from tiny_tasks import CPU, EVERY_TASK, quick_settings
from convbert_edu.finetuning.tasks import TASKS
from convbert_edu.finetuning.run import finetune
name, model, folder, settings = sys.argv[1:]
torch.set_default_dtype(torch.float64)
finetune(TASKS[name](), EVERY_TASK[name](), model, folder, quick_settings(**json.loads(settings)), device=CPU)
"""


def step_of(checkpoint: Path | None) -> int:
    return -1 if checkpoint is None else int(checkpoint.stem.removeprefix("step-"))


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", list(TASKS))
def test_a_run_that_was_killed_and_resumed_ends_with_the_same_weights(model: Path, tmp_path: Path, name: str):
    """Dropout and accumulation on, 20 steps; killed with kill -9 in another process, at no particular moment."""
    changes = dict(epochs=5, gradient_accumulation_steps=2, batch_size=4, checkpoint_minutes=0.0, threads=1)

    def run(folder: str, **options) -> dict:
        return finetune(
            TASKS[name](),
            EVERY_TASK[name](),
            model,
            tmp_path / folder,
            quick_settings(**changes),
            device=CPU,
            **options,
        )

    whole = run("whole")
    arguments = [name, model, tmp_path / "killed", json.dumps(changes)]
    command = [sys.executable, "-c", KILLED, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    deadline = time.monotonic() + 100
    while step_of(newest_checkpoint(tmp_path / "killed" / "checkpoints")) < 3:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL

    killed = run("killed", resume=True)
    assert_same_record({**killed, "seconds": 0}, {**whole, "seconds": 0})
    runs = [tmp_path / folder for folder in ("killed", "whole")]
    assert_same_training(*(load_file(folder / "model" / "model.safetensors") for folder in runs))
    assert_same_record(*(RunLog(folder / "log.jsonl").lines() for folder in runs))
