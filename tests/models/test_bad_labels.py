"""Labels that no loss can be computed from are refused: the message names argument, value, rule, remedy."""

from typing import Any

import pytest
import torch

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForPreTraining,
    ConvBertForQuestionAnswering,
    ConvBertForSequenceClassification,
    ConvBertForTokenClassification,
)
from models.refusal import refused

pytestmark = pytest.mark.usefixtures("as_a_user")

IDS = torch.tensor([[5, 6, 7], [8, 9, 3]])


@pytest.mark.parametrize(
    ("model", "classes"),
    [(ConvBertForMaskedLM, 99), (ConvBertForTokenClassification, 2), (ConvBertForPreTraining, 2)],
)
def test_labels_for_each_token(model: type, classes: int):
    def labels_refused(labels: Any, error: type[Exception], message: str) -> None:
        refused(error, message, model, input_ids=IDS, labels=labels)

    rule = f"with number of labels = {classes} the numbers must be 0 to {classes - 1}, or -100 for 'leave it out'"
    labels_refused(torch.full_like(IDS, classes), ValueError, f"labels holds {classes}; {rule}")
    labels_refused(torch.full_like(IDS, -1), ValueError, f"labels holds -1; {rule}")
    labels_refused(torch.zeros(2, 3), TypeError, "labels has dtype torch.float32; it must be torch.long")
    labels_refused(torch.zeros(2, 4).long(), ValueError, "labels has shape (2, 4); it must be (2, 3)")
    labels_refused(torch.zeros(2).long(), ValueError, "labels has shape (2,); it must be (2, 3)")
    labels_refused([[0, 0, 0], [0, 0, 0]], TypeError, "labels is a list; it must be a tensor")


@pytest.mark.parametrize(
    ("positions", "error", "message"),
    [
        (torch.tensor([0, 6]), ValueError, "masked_positions holds 6; with tokens of the batch = 6 the"),
        (torch.tensor([-1]), ValueError, "masked_positions holds -1; with tokens of the batch = 6"),
        (torch.tensor([0.0]), TypeError, "masked_positions has dtype torch.float32; it must be torch.long"),
        ([0], TypeError, "masked_positions is a list; it must be a tensor"),
    ],
)  # fmt: skip
def test_masked_positions_outside_the_batch(positions: Any, error: type[Exception], message: str):
    refused(error, message, ConvBertForMaskedLM, input_ids=IDS, labels=IDS, masked_positions=positions)


@pytest.mark.parametrize(
    ("config", "labels", "error", "message"),
    [
        ({"num_labels": 3}, torch.tensor([0, 3]), ValueError,
         "labels holds 3; with number of labels = 3 the numbers must be 0 to 2"),
        ({"num_labels": 3}, torch.tensor([0, -100]), ValueError, "labels holds -100; with number of labels = 3"),
        ({"num_labels": 3}, torch.tensor([[0], [1]]), ValueError, "labels has shape (2, 1); it must be (2,)"),
        ({"num_labels": 3}, torch.tensor([0, 1, 2]), ValueError, "labels has shape (3,); it must be (2,)"),
        ({"num_labels": 3}, torch.zeros(2), ValueError, "labels has shape (2,); it must be (2, 3)"),
        ({"num_labels": 3}, [0, 1], TypeError, "labels is a list; it must be a tensor"),
        ({"num_labels": 3, "problem_type": "single_label_classification"}, torch.zeros(2), TypeError,
         "labels has dtype torch.float32; it must be torch.long"),
        ({"num_labels": 3, "problem_type": "multi_label_classification"}, torch.zeros(2, 3).long(), TypeError,
         "labels has dtype torch.int64; it must be floating point for problem_type 'multi_label_classification' "
         "(call .float())"),
        ({"num_labels": 3, "problem_type": "regression"}, torch.zeros(2, 2), ValueError,
         "labels has shape (2, 2); it must be (2, 3)"),
        ({"num_labels": 1}, torch.zeros(2).long(), TypeError,
         "labels has dtype torch.int64; it must be floating point for problem_type 'regression'"),
        ({"num_labels": 1}, torch.zeros(2, 3), ValueError, "labels has shape (2, 3); it must be (2,)"),
    ],
)  # fmt: skip
def test_labels_for_each_sentence(config: dict[str, Any], labels: Any, error: type[Exception], message: str):
    refused(error, message, ConvBertForSequenceClassification, config, input_ids=IDS, labels=labels)


@pytest.mark.parametrize("name", ["start_positions", "end_positions"])
@pytest.mark.parametrize(
    ("positions", "error", "message"),
    [
        (torch.tensor([0, -1]), ValueError,
         " holds -1; positions count from 0, and one past the end of the sequence means that the answer was cut off"),
        (torch.tensor([0, 1, 2]), ValueError, " has shape (3,); it must be (2,)"),
        (torch.zeros(2, 3).long(), ValueError, " has shape (2, 3); it must be (2,)"),
        (torch.zeros(2), TypeError, " has dtype torch.float32; it must be torch.long: positions of tokens"),
        ([0, 1], TypeError, " is a list; it must be a tensor"),
    ],
)  # fmt: skip
def test_positions_of_an_answer(name: str, positions: Any, error: type[Exception], message: str):
    both = {"start_positions": torch.tensor([0, 1]), "end_positions": torch.tensor([0, 1])} | {
        name: positions
    }
    refused(error, name + message, ConvBertForQuestionAnswering, input_ids=IDS, **both)
