"""The bootstrap over test items: sums over items are the scores of other libraries, intervals those of theory."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from seqeval.metrics import f1_score as entity_f1
from sklearn.metrics import f1_score

import finetune_items
from convbert_edu import ConvBertConfig
from convbert_edu.data.batching import EncodedTextWindows
from convbert_edu.data.examples import (
    Answer,
    ChoiceExample,
    QuestionExample,
    Splits,
    TextExample,
    TokenExample,
)
from convbert_edu.finetuning.tasks import Classification
from finetune_all import keeping_results, lead_of
from finetune_cases import CASES
from finetune_items import interval_of_lead, lead_over_baseline, outcome

KINDS = ("O", "B-place", "I-place", "B-name", "I-name")


def score(outcomes: list[tuple[float, float]]) -> float:
    top, bottom = map(sum, zip(*outcomes, strict=True))
    return top / bottom


def test_sums_over_items_give_the_f1_of_scikit_learn_and_seqeval():
    random = np.random.default_rng(3)
    right, found = (random.integers(0, 2, (50, 6)) for _ in range(2))
    items = [
        outcome(each, TextExample("", tuple(label)), ())
        for each, label in zip(found, right.tolist(), strict=True)
    ]
    assert score(items) == pytest.approx(f1_score(right, found, average="micro"))

    right, found = (random.integers(0, len(KINDS), (40, 9)) for _ in range(2))
    labels = [[[KINDS[number] for number in row] for row in rows] for rows in (right, found)]
    items = [
        outcome(answer, TokenExample(("a",) * 9, tuple(row)), KINDS)
        for answer, row in zip(labels[1], right.tolist(), strict=True)
    ]
    assert score(items) == pytest.approx(entity_f1(*labels))


@pytest.mark.parametrize(
    ("answer", "example", "expected"),
    [
        (2, TextExample("", 2), (1, 1)),
        (1, TextExample("", 2), (0, 1)),
        (3, ChoiceExample("", "", ("a", "b", "c", "d"), 3), (1, 1)),
        ("The Rhine", QuestionExample("", "", "the Rhine", (Answer("Rhine", 4),)), (1, 1)),
        ("the Rhine river", QuestionExample("", "", "the Rhine", (Answer("Rhine", 4),)), (0, 1)),
    ],
)
def test_one_item(answer: Any, example: Any, expected: tuple[int, int]):
    assert outcome(answer, example, ()) == expected


def test_the_interval_is_that_of_theory_and_wider_where_items_come_in_groups():
    """The paired difference of n items has the standard error sd / sqrt(n); four equal items count as one."""
    random = np.random.default_rng(0)
    ours, theirs = (random.random(400) < share for share in (0.8, 0.7))
    as_items = [np.stack([each.astype(float), np.ones(400)], axis=1) for each in (ours, theirs)]
    difference = ours.astype(float) - theirs
    half = 1.96 * difference.std() / 400**0.5
    lead, low, high = interval_of_lead(*as_items, range(400))
    assert lead == pytest.approx(difference.mean())
    assert (low, high) == pytest.approx((lead - half, lead + half), abs=0.15 * half)
    repeated = [np.repeat(each, 4, axis=0) for each in as_items]
    together = interval_of_lead(*repeated, np.repeat(np.arange(400), 4))
    assert together == pytest.approx((lead, low, high))
    _, low_alone, high_alone = interval_of_lead(*repeated, range(1600))
    assert high_alone - low_alone == pytest.approx(half, rel=0.15)


def one_row_each(count: int) -> EncodedTextWindows:
    ids = [[2, 9, 3]] * count
    return EncodedTextWindows(
        input_ids=ids, token_type_ids=ids, pad_token_id=0, labels=torch.zeros(count), example_of_row=list(range(count))
    )  # fmt: skip


def texts(count: int) -> list[TextExample]:
    return [TextExample(f"text {number}", number % 2) for number in range(count)]


def test_a_run_is_compared_with_the_baseline_of_its_case(monkeypatch: pytest.MonkeyPatch):
    """The model is right in 3 of 4, the baseline in 2 of 4, and that is the score that the case states."""
    monkeypatch.setitem(
        CASES, "reviews:rt", replace(CASES["reviews:rt"], measures={"accuracy": ("accuracy", 0.5)})
    )
    scores = np.array([[2.0, 1.0], [1.0, 2.0], [2.0, 1.0], [2.0, 1.0]])
    config = ConvBertConfig.tiny(id2label={0: "bad", 1: "good"})
    splits = Splits(texts(8), [], texts(4), ("bad", "good"))
    task = keeping_results(Classification())
    encoded = one_row_each(4)
    assert task.metrics(list(scores), encoded, splits.test, config)["accuracy"] == 0.75
    found = lead_over_baseline("reviews:rt", splits, task, *task.kept, baseline=lambda _: [0, 1, 1, 0])
    assert found["lead"] == 0.25
    assert found["lead_low"] <= 0.25 <= found["lead_high"]
    with pytest.raises(
        ValueError, match=r"the baseline of reviews:rt has 1\.0000, but finetune_cases\.py says 0\.5"
    ):
        lead_over_baseline("reviews:rt", splits, task, *task.kept, baseline=lambda _: [0, 1, 0, 1])


def test_few_examples_are_compared_with_the_baseline_that_read_the_same_ones(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def note(case, splits):
        asked.append((case.title, len(splits.train)))
        return [0, 0]

    monkeypatch.setattr(finetune_items, "best_baseline", note)
    splits = Splits(texts(6), [], texts(2), ("bad", "good"))
    config = ConvBertConfig.tiny(id2label={0: "bad", 1: "good"})
    results = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    encoded = one_row_each(2)
    found = lead_over_baseline(
        "reviews:rt-500", splits, Classification(), results, encoded, splits.test, config
    )
    assert asked == [("Rotten Tomatoes, 500 examples", 6)]
    assert found["lead"] == 0.5


def test_the_lead_in_the_table_is_the_mean_with_the_widest_interval():
    runs = [
        {"lead": 0.1, "lead_low": 0.05, "lead_high": 0.12},
        {"lead": 0.2, "lead_low": 0.08, "lead_high": 0.25},
    ]
    assert lead_of(runs) == "+0.150 (+0.050 to +0.250)"
    assert lead_of([*runs, {"accuracy": 0.7}]) == lead_of([]) == ""
