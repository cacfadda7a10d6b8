"""Two processes learn what one learns with twice the batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.tasks import TASKS
from convbert_edu.pretraining.run import pretrain
from convbert_edu.training.distributed import DistributedContext, no_sync
from convbert_edu.training.run_folder import RunLog
from tiny_corpus import make_corpus
from tiny_corpus import quick_settings as pretrain_settings
from tiny_tasks import EVERY_TASK, quick_settings, save_tiny_model

CPU = torch.device("cpu")


def torchrun(*arguments: object) -> None:
    """Run the command `convbert-edu` as two processes that talk through gloo."""
    two_processes("-m", "convbert_edu", *map(str, arguments))


def two_processes(*program: str) -> None:
    """Run a script, or -m and a module, as two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [*command, *program],
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr


def losses(folder: Path) -> torch.Tensor:
    """Every loss of every step, [steps, kinds of loss]."""
    names = ("loss", "masked_lm_loss", "detection_loss", "masked_lm_accuracy")
    return torch.tensor([[line[name] for name in names] for line in RunLog(folder / "log.jsonl").lines()])


@pytest.mark.slow
def test_two_processes_give_the_loss_curve_of_one_with_twice_the_batch(tmp_path: Path):
    corpus = make_corpus(tmp_path / "corpus")
    settings = pretrain_settings(dropout=0.0, batch_size=4, gradient_accumulation_steps=2, evaluate_every=0)
    (tmp_path / "settings.json").write_text(json.dumps(settings.to_dict()))
    torchrun(
        "pretrain",
        tmp_path / "corpus",
        tmp_path / "two",
        "--settings",
        tmp_path / "settings.json",
        "--device",
        "cpu",
    )
    alone = pretrain_settings(
        dropout=0.0, batch_size=16, gradient_accumulation_steps=1, evaluate_every=0, threads=None
    )
    one = pretrain(
        alone, corpus.train, corpus.tokenizer, tmp_path / "one", device=CPU, held_out=corpus.held_out
    )

    curve = losses(tmp_path / "two")
    assert curve.shape == (12, 4)
    torch.testing.assert_close(curve, losses(tmp_path / "one"), atol=1e-5, rtol=1e-4)
    for name in ("generator", "discriminator"):
        ours, theirs = (load_file(tmp_path / run / name / "model.safetensors") for run in ("two", "one"))
        for key, tensor in ours.items():
            torch.testing.assert_close(tensor, theirs[key], atol=1e-4, rtol=0)
    two = json.loads((tmp_path / "two" / "record.json").read_text())
    assert two["processes"] == 2
    assert two["tokens"] == one["tokens"]
    assert two["held_out"]["detection_auc"] == pytest.approx(one["held_out"]["detection_auc"], abs=1e-3)


ALL_HEADS = """
import gc, json, sys
from pathlib import Path
from torch.nn.parallel import DistributedDataParallel
from convbert_edu.finetuning.tasks import TASKS
from convbert_edu.training.distributed import init_distributed
from convbert_edu.finetuning.run import finetune
from tiny_tasks import CPU, EVERY_TASK, quick_settings
model, folder, changes = sys.argv[1:]
with init_distributed(CPU):
    for name in TASKS:
        settings = quick_settings(**json.loads(changes))
        finetune(TASKS[name](), EVERY_TASK[name](50), model, Path(folder) / name, settings, device=CPU)
# What is left when the processes part can end them with SIGABRT.
assert not [each for each in gc.get_objects() if type(each) is DistributedDataParallel]
"""


@pytest.mark.slow
def test_fine_tuning_in_two_processes_gives_what_one_with_twice_the_batch_gives(tmp_path: Path):
    """In every head. 34 examples: the last step of an epoch has 2, and 9 are measured, once each."""
    model = save_tiny_model(tmp_path / "model", attention_probs_dropout_prob=0.0)
    (tmp_path / "heads.py").write_text(ALL_HEADS)
    changes: dict = dict(config={"hidden_dropout_prob": 0.0}, evaluation_batch_size=2, threads=1)
    two = json.dumps(changes | {"batch_size": 4, "gradient_accumulation_steps": 2})
    two_processes(str(tmp_path / "heads.py"), str(model), str(tmp_path / "two"), two)
    for name, task in TASKS.items():
        settings = quick_settings(**changes, batch_size=16)
        one = finetune(task(), EVERY_TASK[name](50), model, tmp_path / "one" / name, settings, device=CPU)
        both = json.loads((tmp_path / "two" / name / "record.json").read_text())
        assert both["processes"] == 2
        for ours, theirs in ((one["test"], both["test"]), *zip(one["epochs"], both["epochs"], strict=True)):
            assert ours == pytest.approx(theirs, rel=1e-4), name
        lines = [RunLog(tmp_path / run / name / "log.jsonl").lines() for run in ("one", "two")]
        curves = [[line["loss"] for line in log if "loss" in line] for log in lines]
        assert curves[0] == pytest.approx(curves[1], rel=1e-4), name
        weights = [load_file(tmp_path / run / name / "model" / "model.safetensors") for run in ("one", "two")]
        for key, tensor in weights[0].items():
            torch.testing.assert_close(tensor, weights[1][key], atol=1e-4, rtol=0)


def test_a_process_that_is_alone_exchanges_nothing():
    model = torch.nn.Linear(2, 2)
    assert DistributedContext().wrap(model) is model
    assert DistributedContext().all_reduce([1.0, 2.5], CPU) == [1.0, 2.5]
    assert DistributedContext().is_main_process
    with no_sync(model, wanted=True):
        model(torch.ones(1, 2)).sum().backward()
    assert model.weight.grad is not None
