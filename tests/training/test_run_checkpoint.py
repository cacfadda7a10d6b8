"""Checkpoints are whole or not there, and the last good one outlives every accident."""

from pathlib import Path

import pytest
import torch

from convbert_edu.training.run_checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from full_disk import full_disk

CPU = torch.device("cpu")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_comes_back(tmp_path: Path):
    state = {
        "step": 3,
        "tensors": [torch.arange(5), torch.tensor(0.5)],
        "settings": {"name": "x", "none": None},
    }
    path = save_checkpoint(tmp_path, 3, state)
    loaded = load_checkpoint(path, CPU)
    assert loaded["settings"] == state["settings"]
    assert torch.equal(loaded["tensors"][0], torch.arange(5))


def test_the_newest_two_are_kept(tmp_path: Path):
    assert newest_checkpoint(tmp_path) is None
    for step in (0, 5, 90, 100):
        save_checkpoint(tmp_path, step, {"step": step})
    assert files(tmp_path) == ["step-000000090.pt", "step-000000100.pt"]
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000000100.pt"


def test_a_full_disk_leaves_the_checkpoints_before_it_alone(tmp_path: Path):
    save_checkpoint(tmp_path, 1, {"tensor": torch.zeros(10_000)})
    save_checkpoint(tmp_path, 2, {"tensor": torch.zeros(10_000)})
    with (
        full_disk(after=20_000),
        pytest.raises(OSError, match=r"checkpoint of step 3 .*could not be written"),
    ):
        save_checkpoint(tmp_path, 3, {"tensor": torch.zeros(10_000)})
    assert files(tmp_path) == ["step-000000001.pt", "step-000000002.pt"]
    assert len(load_checkpoint(tmp_path / "step-000000002.pt", CPU)["tensor"]) == 10_000


def test_a_damaged_checkpoint_is_named(tmp_path: Path):
    path = save_checkpoint(tmp_path, 1, {"tensor": torch.zeros(1000)})
    data = path.read_bytes()
    for content in (data[: len(data) // 2], b"", b"no checkpoint at all"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"step-000000001.pt is damaged .*delete it"):
            load_checkpoint(path, CPU)


def test_a_checkpoint_cannot_run_code(tmp_path: Path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "was-here",))

    torch.save({"state": Evil()}, tmp_path / "step-000000001.pt")
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(tmp_path / "step-000000001.pt", CPU)
    assert not (tmp_path / "was-here").exists()
