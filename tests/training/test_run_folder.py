"""The log of a run: lines, sums, and forgetting what happens again."""

from pathlib import Path

import pytest

from convbert_edu.training.run_folder import MetricTotals, RunLog


def test_lines_come_back_and_a_run_that_goes_on_forgets_the_later_ones(tmp_path: Path):
    log = RunLog(tmp_path / "log.jsonl")
    log.rewind(0)  # nothing there yet
    for step in (1, 2, 3, 4):
        log.add(step=step, loss=step / 2)
    log.add(step=4, held_out={"masked_lm_loss": 1.0})
    with log.path.open("a") as file:
        file.write('{"step": 5, "lo')  # killed while it wrote
    log.rewind(3)
    assert log.lines() == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 1.0}, {"step": 3, "loss": 1.5}]
    log.add(step=4, loss=2.0)
    assert len(log.lines()) == 4


def test_means_are_per_word_not_per_step():
    """Steps of 2 and 8 masked tokens with mean losses 1 and 2: (2 + 16) / 10."""
    sums = MetricTotals()
    sums.add(
        MetricTotals(
            masked_lm_loss=2.0,
            num_correct=1.0,
            masked_tokens=2.0,
            loss=5.0,
            steps=1.0,
            tokens=30.0,
            seconds=1.0,
        )
    )
    sums.add(
        MetricTotals(
            masked_lm_loss=16.0,
            num_correct=4.0,
            masked_tokens=8.0,
            loss=7.0,
            steps=1.0,
            tokens=90.0,
            seconds=2.0,
        )
    )
    means = sums.means()
    assert means == pytest.approx(
        {"loss": 6.0, "tokens_per_second": 40.0, "masked_lm_loss": 1.8, "masked_lm_accuracy": 0.5}
    )
    sums.add(MetricTotals(detection_loss=3.0, maskable_tokens=10.0, cls_mlm_loss=20.0, steps=1.0))
    assert sums.means()["detection_loss"] == pytest.approx(0.3)
    assert sums.means()["cls_mlm_loss"] == pytest.approx(2.0)
    assert MetricTotals(**sums.to_dict()) == sums
