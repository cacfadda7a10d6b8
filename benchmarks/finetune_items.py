"""Is a model's lead over the baseline more than the luck of the test split? A paired bootstrap over its items.

benchmarks/finetune_all.py calls `lead_over_baseline` after each run. The score of a test split is a ratio of two sums
over its items: right answers over all of them, or for F1 twice the true positives over predicted plus true ones. So
each item is a pair (numerator, denominator) of model and baseline, and items are drawn anew, with replacement, many
times. Questions about one country share their text, so there whole countries are drawn.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from seqeval.metrics.sequence_labeling import get_entities

from convbert_edu.config import ConvBertConfig
from convbert_edu.data import Splits, baselines
from convbert_edu.data.examples import ChoiceExample, QuestionExample, TextExample, TokenExample
from convbert_edu.finetuning.data_sources import load_data
from convbert_edu.finetuning.tasks import Task
from convbert_edu.finetuning.tasks.question_answering import best_scores
from finetune_cases import CASES, Case

DRAWS = 2000
# Baselines repeat exactly, so a stated score that differs by more than rounding is one of other data.
ROUNDING = 6e-4


def best_baseline(case: Case, splits: Splits) -> list[Any]:
    """Return what the best baseline of a case (benchmarks/baselines.py) answers for each example of the test split."""
    train, test = splits.train, splits.test
    if case.task == "classification":
        several = isinstance(test[0].label, tuple)
        predict = baselines.tfidf_multi_label_predictions if several else baselines.tfidf_predictions
        return predict(train, [example.text for example in test])
    if case.task == "token-classification":
        return baselines.gazetteer_predictions(train, test, splits.label_names)
    if case.task == "question-answering":
        return [baselines.rule_answer(example.question, example.context) for example in test]
    return baselines.tfidf_choices(train, test)


@cache
def full_baseline(name: str) -> list[Any]:
    """Return the answers of a case's baseline that read the whole training split; once for all runs of a process."""
    return best_baseline(CASES[name], load_data(CASES[name].data, CASES[name].task))


def answer_of(prediction: dict[str, Any], example: Any, config: ConvBertConfig) -> Any:
    """Return a task's prediction in the form in which the baselines answer."""
    if isinstance(example, QuestionExample):
        return prediction["answer"]
    if isinstance(example, ChoiceExample):
        return prediction["choice"]
    if isinstance(example, TokenExample):
        return prediction["labels"]
    names = list(config.id2label.values())
    if isinstance(example.label, tuple):
        return [int(name in prediction["labels"]) for name in names]
    return names.index(prediction["label"])


def outcome(answer: Any, example: Any, names: Sequence[str]) -> tuple[float, float]:
    """Return numerator and denominator of one item: of accuracy and exact match, or of F1."""
    if isinstance(example, QuestionExample):
        return best_scores(answer, [right.text for right in example.answers])[0], 1
    if isinstance(example, TokenExample):
        found, right = (
            set(get_entities(list(labels))) for labels in (answer, [names[i] for i in example.labels])
        )
        return 2 * len(found & right), len(found) + len(right)
    if isinstance(example, TextExample) and isinstance(example.label, tuple):
        return 2 * sum(a and b for a, b in zip(answer, example.label, strict=True)), sum(answer) + sum(
            example.label
        )
    return float(answer == example.label), 1


def interval_of_lead(
    ours: np.ndarray, theirs: np.ndarray, groups: Sequence[Any]
) -> tuple[float, float, float]:
    """Return the lead of our score over theirs, and the 95% interval of it over drawn groups of items.

    ours, theirs: (items, 2), numerators and denominators; groups: for each item the group with which it is drawn
    """
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), 4))
    np.add.at(sums, group_of, np.concatenate([ours, theirs], axis=1))
    random = np.random.default_rng(0)
    counts = (
        np.bincount(random.integers(len(names), size=len(names)), minlength=len(names)) for _ in range(DRAWS)
    )
    leads = [_lead(drawn @ sums) for drawn in counts]
    low, high = np.quantile(leads, [0.025, 0.975])
    return _lead(sums.sum(axis=0)), float(low), float(high)


def _lead(sums: np.ndarray) -> float:
    return float(sums[0] / max(sums[1], 1) - sums[2] / max(sums[3], 1))


def lead_over_baseline(
    name: str,
    splits: Splits,
    task: Task,
    results: list[Any],
    encoded: Any,
    examples: Sequence[Any],
    config: ConvBertConfig,
    baseline: Callable[[str], list[Any]] = full_baseline,
) -> dict[str, float]:
    """Return a model's lead over the best baseline in a case's first measure, with the interval over items.

    results, encoded, examples, config: what `task.metrics` was given. A case with few examples is compared with the
    baseline that learned from the same ones. Raises ValueError where the baseline's score is not the one stated.
    """
    case = CASES[name]
    theirs = baseline(name) if case.baseline_reads_all else best_baseline(case, splits)
    predictions = task.predictions(results, encoded, examples, config)
    answers = [answer_of(each, example, config) for each, example in zip(predictions, examples, strict=True)]
    ours, theirs = (
        np.array(
            [
                outcome(each, example, splits.label_names)
                for each, example in zip(found, examples, strict=True)
            ]
        )
        for found in (answers, theirs)
    )
    _, stated = next(iter(case.measures.values()))
    score = theirs[:, 0].sum() / theirs[:, 1].sum()
    if case.baseline_reads_all and abs(score - stated) > ROUNDING:
        raise ValueError(
            f"the baseline of {name} has {score:.4f}, but finetune_cases.py says {stated}; correct it there"
        )
    questions = case.task == "question-answering"
    groups = [example.id.partition("-")[0] for example in examples] if questions else range(len(examples))
    lead, low, high = interval_of_lead(ours, theirs, groups)
    return {"lead": lead, "lead_low": low, "lead_high": high}
