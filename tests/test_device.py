"""Finding the device: the best that there is, the one that was asked for, or an error that lists what there is."""

import time

import pytest
import torch

from convbert_edu.device import (
    autocast,
    count_waits,
    device_facts,
    exact_float32,
    find_device,
    make_current,
    peak_memory,
    reset_peak_memory,
    seconds_of,
    supports_bfloat16,
    to_device,
)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Pretend that this machine has so many CUDA GPUs, and Apple's GPU or not."""

    def pretend(gpus: int = 0, apple: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)

    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return pretend


@pytest.mark.parametrize(
    ("gpus", "apple", "best"),
    [(0, False, "cpu"), (0, True, "mps"), (2, False, "cuda:0"), (2, True, "cuda:0")],
)
def test_the_best_device_is_taken_unless_another_is_named(machine, gpus: int, apple: bool, best: str):
    machine(gpus, apple)
    assert find_device() == torch.device(best)
    assert find_device("cpu") == torch.device("cpu")


def test_one_gpu_of_several_can_be_named(machine):
    machine(gpus=2)
    assert find_device("cuda") == torch.device("cuda:0")
    assert find_device("cuda:1") == torch.device("cuda:1")


def test_each_process_of_torchrun_takes_its_own_gpu(machine, monkeypatch: pytest.MonkeyPatch):
    machine(gpus=4)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert find_device() == torch.device("cuda:3")
    assert find_device("cuda") == torch.device("cuda:3")
    assert find_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize(
    ("gpus", "name", "message"),
    [
        (0, "cuda", r"device 'cuda' is not available here; choose one of \['cpu'\], or leave it out"),
        (0, "cuda:0", r"device 'cuda:0' is not available here"),
        (2, "mps", r"device 'mps' is not available here; choose one of \['cuda', 'cpu'\]"),
        (2, "gpu", r"device 'gpu' is not available here"),
        (2, "", r"device '' is not available here"),
        (0, "cpu:x", "device 'cpu:x' is no name of a device; write cpu, or cpu:0"),
        (2, "cuda:", "device 'cuda:' is no name of a device; write cuda, or cuda:0"),
        (2, "cuda:2", "there is no GPU number 2 here; 2 are present, counted from 0"),
    ],
)
def test_a_device_that_is_not_there_is_refused(machine, gpus: int, name: str, message: str):
    machine(gpus)
    with pytest.raises(ValueError, match=message):
        find_device(name)


def test_more_processes_than_gpus_is_refused(machine, monkeypatch: pytest.MonkeyPatch):
    machine(gpus=2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="no GPU number 2 here; 2 are present"):
        find_device()


def test_what_is_found_on_this_machine_can_compute():
    device = find_device()
    assert (torch.ones(2, device=device) * 2).sum().item() == 4
    assert isinstance(supports_bfloat16(device), bool)


def test_bfloat16_is_not_promised_where_there_are_no_numbers():
    assert supports_bfloat16(torch.device("meta")) is False


# Measuring and moving, on what is here, and as far as a GPU can be pretended.


def test_times_memory_and_facts_of_the_cpu():
    cpu = torch.device("cpu")
    assert seconds_of(lambda: time.sleep(0.02), cpu) >= 0.02
    reset_peak_memory(cpu)
    assert peak_memory(cpu) is None
    facts = device_facts(cpu)
    assert (facts.kind, facts.memory_bytes) == ("cpu", None)
    assert facts.name
    with count_waits(cpu) as places:
        torch.ones(2).sum().item()
    assert places == []


def test_exact_float32_is_only_inside_its_block():
    before = torch.get_float32_matmul_precision()
    cudnn = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high")
    try:
        with exact_float32():
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.backends.cudnn.allow_tf32 == cudnn
    finally:
        torch.set_float32_matmul_precision(before)


def test_batches_go_to_a_gpu_from_pinned_memory_without_waiting(monkeypatch: pytest.MonkeyPatch):
    """There is no GPU to ask; so it is noted what the tensor is asked for."""
    asked = []

    class Noting:
        def pin_memory(self) -> "Noting":
            asked.append("pinned")
            return self

        def to(self, device: torch.device, non_blocking: bool = False) -> str:
            asked.append((device.type, non_blocking))
            return "there"

    unchecked = getattr(to_device, "__wrapped__", to_device)
    assert unchecked({"input_ids": Noting()}, torch.device("cuda")) == {"input_ids": "there"}
    assert asked == ["pinned", ("cuda", True)]
    batch = {"input_ids": torch.arange(3)}
    assert torch.equal(to_device(batch, torch.device("cpu"))["input_ids"], batch["input_ids"])


def test_each_process_makes_its_gpu_the_current_one(monkeypatch: pytest.MonkeyPatch):
    made = []
    monkeypatch.setattr(torch.cuda, "set_device", made.append)
    make_current(torch.device("cpu"))
    make_current(torch.device("cuda:3"))
    assert made == [torch.device("cuda:3")]


def test_an_unknown_precision_is_named_and_does_not_mean_float32():
    with pytest.raises(ValueError, match="precision is 'bf16'; choose one of auto, float32, bfloat16"):
        autocast("bf16", torch.device("cpu"))
