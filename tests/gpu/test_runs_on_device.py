"""Whole runs on a GPU: every task is learned, goes on from a checkpoint, and predicts what the CPU predicts."""

from pathlib import Path

import pytest
import torch

from convbert_edu.device import find_device
from convbert_edu.finetuning.predictor import Predictor
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.tasks import make_task
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.training.optimizer import make_optimizer
from convbert_edu.training.run_checkpoint import load_checkpoint, save_checkpoint
from gpu_device import TEST_DEVICE
from models.cases import build, inputs_for, labels_for
from tiny_tasks import EVERY_TASK, quick_settings, save_tiny_model
from tolerance import assert_same_numbers

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def device() -> torch.device:
    return find_device(TEST_DEVICE)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("start"))


@pytest.mark.parametrize("name", EVERY_TASK)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_task_is_learnt_on_the_device(
    name: str, precision: str, start: Path, device: torch.device, tmp_path: Path
):
    splits = EVERY_TASK[name]()
    task = make_task(name, {})
    settings = quick_settings(precision=precision, epochs=3)
    record = finetune(task, splits, start, tmp_path / "run", settings, device=device)
    losses = [line for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines() if '"loss"' in line]
    assert len(losses) >= record["steps"]
    assert record["test"]
    predictor = Predictor.load(tmp_path / "run", device)
    assert predictor.model.device.type == device.type


def test_scores_are_those_of_the_cpu(start: Path, device: torch.device, tmp_path: Path):
    """Fine-tuning goes another way by rounding, but one and the same model scores alike on both devices."""
    splits = EVERY_TASK["classification"]()
    finetune(make_task("classification", {}), splits, start, tmp_path / "run", quick_settings(), device=device)
    texts = [example.text for example in splits.test]
    scores = [
        [answer["probabilities"] for answer in Predictor.load(tmp_path / "run", place).predict(texts)]
        for place in (torch.device("cpu"), device)
    ]
    for ours, theirs in zip(*scores, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("to", ["the device", "the CPU"])
def test_a_step_after_a_checkpoint_is_the_step_without_it(to: str, device: torch.device, tmp_path: Path):
    """The fused optimiser's state comes back, also on a machine without the device."""
    from convbert_edu import ConvBertForTokenClassification as Model

    torch.manual_seed(0)
    model = build(Model).to(device)
    optimizer = make_optimizer(model, 1e-3)

    def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        given = inputs_for(Model) | labels_for(Model)
        model(**{name: tensor.to(model.device) for name, tensor in given.items()}).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    step(model, optimizer)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    path = save_checkpoint(tmp_path, 1, state)
    place = device if to == "the device" else torch.device("cpu")
    back = load_checkpoint(path, place)
    other = build(Model).to(place)
    other.load_state_dict(back["model"])
    other_optimizer = make_optimizer(other, 1e-3)
    other_optimizer.load_state_dict(back["optimizer"])
    step(model, optimizer)
    step(other, other_optimizer)
    # AdamW divides by the root of a running mean: gradients that are zero but for rounding count for nothing here.
    assert_same_numbers(
        {name: each.cpu() for name, each in other.state_dict().items() if "key.bias" not in name},
        {name: each.cpu() for name, each in model.state_dict().items() if "key.bias" not in name},
    )


def test_labels_to_leave_out_reach_the_device(device: torch.device):
    """A batch whose labels are all -100 gives no number on any device, and a batch with some gives one."""
    from convbert_edu import ConvBertForMaskedLM

    model = build(ConvBertForMaskedLM).to(device)
    given = {name: tensor.to(device) for name, tensor in inputs_for(ConvBertForMaskedLM).items()}
    labels = torch.full_like(given["input_ids"], IGNORE_INDEX)
    assert torch.isnan(model(**given, labels=labels).loss)
    labels[0, 0] = 5
    assert torch.isfinite(model(**given, labels=labels).loss)
