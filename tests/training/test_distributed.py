"""Two processes learn what one learns with twice the batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from convbert_edu.training.distributed import Processes, without_exchange
from convbert_edu.training.pretrain import pretrain
from convbert_edu.training.run_log import RunLog
from tiny_corpus import make_corpus, quick_settings

CPU = torch.device("cpu")


def torchrun(*arguments: object) -> None:
    """Run the command `convbert-edu` as two processes that talk through gloo."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [*command, "-m", "convbert_edu", *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
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
    settings = quick_settings(dropout=0.0, batch_size=4, accumulation=2, evaluate_every=0)
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
    alone = quick_settings(dropout=0.0, batch_size=16, accumulation=1, evaluate_every=0, threads=None)
    one = pretrain(
        alone, corpus.train, corpus.tokenizer, tmp_path / "one", device=CPU, held_out=corpus.held_out
    )

    curve = losses(tmp_path / "two")
    assert curve.shape == (12, 4)
    torch.testing.assert_close(curve, losses(tmp_path / "one"), atol=1e-5, rtol=1e-6)
    for name in ("generator", "discriminator"):
        ours, theirs = (load_file(tmp_path / run / name / "model.safetensors") for run in ("two", "one"))
        for key, tensor in ours.items():
            torch.testing.assert_close(tensor, theirs[key], atol=1e-4, rtol=0)
    two = json.loads((tmp_path / "two" / "record.json").read_text())
    assert two["processes"] == 2
    assert two["tokens"] == one["tokens"]
    assert two["held_out"]["detection_auc"] == pytest.approx(one["held_out"]["detection_auc"], abs=1e-3)


def test_a_process_that_is_alone_exchanges_nothing():
    model = torch.nn.Linear(2, 2)
    assert Processes().wrap(model) is model
    assert Processes().sum([1.0, 2.5], CPU) == [1.0, 2.5]
    assert Processes().first
    with without_exchange(model, wanted=True):
        model(torch.ones(1, 2)).sum().backward()
    assert model.weight.grad is not None
