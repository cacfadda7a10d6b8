"""One class, several classes, values: labels, metrics and predictions against numbers worked out by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertTokenizer
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.finetuning.tasks import Classification

TASK = Classification()
TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fine", "film"])


def head(examples: list[TextExample], *names: str) -> ConvBertConfig:
    return ConvBertConfig(**TASK.config_fields(Splits(examples, [], [], names)))


def predicted(example: TextExample, config: ConvBertConfig, *scores: float) -> dict[str, Any]:
    encoded = TASK.encode([example], TOKENIZER, 16, config)
    return TASK.predictions([np.array(scores, dtype=np.float32)], encoded, [example], config)[0]


def measured(examples: list[TextExample], config: ConvBertConfig, scores: list[Any]) -> dict[str, float]:
    encoded = TASK.encode(examples, TOKENIZER, 16, config)
    return TASK.metrics([np.array(row, dtype=np.float32) for row in scores], encoded, examples, config)


def test_one_class():
    """Right, right, wrong, wrong. Classes: F1 of a 2 * 2 / (2 + 3), of b 2 * 0 / (1 + 1), of c 0."""
    examples = [TextExample("a film", label) for label in (0, 0, 1, 2)]
    config = head(examples, "a", "b", "c")
    assert config.problem_type == "single_label_classification"
    scores = [[2, 1, 0], [2, 1, 0], [2, 1, 0], [0, 1, 0]]
    assert measured(examples, config, scores) == pytest.approx({"accuracy": 0.5, "macro_f1": (4 / 5) / 3})
    found = predicted(examples[0], config, 0, np.log(3), -100)
    assert found["label"] == "b"
    assert found["probabilities"] == pytest.approx({"a": 0.25, "b": 0.75, "c": 0})


def test_several_classes():
    """4 labels hold, 3 are found, 2 of these right: micro-F1 2 * 2 / (4 + 3); by class 1, 2/3 and 0."""
    examples = [TextExample("a film", labels) for labels in ((1, 1, 0), (0, 1, 1))]
    config = head(examples, "a", "b", "c")
    assert config.problem_type == "multi_label_classification"
    scores = [[1, -1, 1], [-1, 1, -1]]
    result = measured(examples, config, scores)
    assert result == pytest.approx({"micro_f1": 4 / 7, "macro_f1": (1 + 2 / 3 + 0) / 3})
    found = predicted(examples[0], config, 0, np.log(3), -100)
    assert found["labels"] == ["b"]
    assert found["probabilities"] == pytest.approx({"a": 0.5, "b": 0.75, "c": 0})
    assert TASK.encode(examples, TOKENIZER, 16, config).labels.dtype == torch.float32


def test_the_threshold_of_several_classes_can_be_moved():
    """Probabilities 0.25 and 0.75, 0.4 and 0.1: with a threshold of 0.3 the 0.4 is predicted, with 0.8 none."""
    examples = [TextExample("a film", labels) for labels in ((0, 1), (1, 0))]
    config = head(examples, "a", "b")
    probs = np.array([[0.25, 0.75], [0.4, 0.1]])
    scores = np.log(probs / (1 - probs))
    for threshold, micro in ((0.5, 2 / 3), (0.3, 1.0), (0.2, 4 / 5), (0.8, 0.0)):
        task = Classification(threshold=threshold)
        encoded = task.encode(examples, TOKENIZER, 16, config)
        assert task.metrics(list(scores), encoded, examples, config)["micro_f1"] == pytest.approx(micro)
    low = Classification(threshold=0.2)
    predictions = low.predictions(list(scores), low.encode(examples, TOKENIZER, 16, config), examples, config)
    assert [found["labels"] for found in predictions] == [["a", "b"], ["a"]]


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float):
    with pytest.raises(
        ValueError, match=f"threshold is {threshold}; it must be a probability, between 0 and 1"
    ):
        Classification(threshold=threshold)


def test_values():
    """(1, 2, 3, 4) beside (1, 2, 3, 10): Pearson's correlation worked out by hand; the ranks agree wholly."""
    examples = [TextExample("a", float(value), "a film") for value in (1, 2, 3, 4)]
    config = head(examples)
    assert (config.problem_type, config.num_labels) == ("regression", 1)
    # deviations -1.5 -0.5 0.5 1.5 and -3 -2 -1 6: products 4.5 + 1 - 0.5 + 9 = 14; squares 5 and 50
    result = measured(examples, config, [[1], [2], [3], [10]])
    assert result == pytest.approx({"pearson": 14 / (5 * 50) ** 0.5, "spearman": 1.0})
    assert predicted(examples[0], config, 2.5) == {"text": "a", "text_pair": "a film", "value": 2.5}
    assert TASK.encode(examples, TOKENIZER, 16, config).token_type_ids[0] == [0, 0, 0, 1, 1, 1]


def test_a_model_that_predicts_the_same_everywhere_has_no_correlation():
    examples = [TextExample("a", float(value)) for value in (1, 2, 3)]
    with pytest.warns(match="constant"):
        assert measured(examples, head(examples), [[1], [1], [1]]) == {"pearson": 0.0, "spearman": 0.0}


def test_a_single_value_has_no_correlation():
    """A test split of one example must not end a run that has been trained."""
    examples = [TextExample("a", 1.0)]
    assert measured(examples, head(examples), [[2]]) == {"pearson": 0.0, "spearman": 0.0}


@pytest.mark.usefixtures("as_a_user")
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (2, r"example 1 has the label 2, but the head has 2 labels, 0 to 1 \(no, yes\)"),
        (-1, "example 1 has the label -1"),
        ("yes", "example 1 has the label 'yes', but the head has 2 labels, 0 to 1"),
        (True, "example 1 has the label True, but the head has 2 labels"),
        (0.5, "example 1 has the label 0.5; the head learns from a class number"),
        ((0, 1), r"example 1 has the label \(0, 1\); the head learns from a class number"),
    ],
)
def test_a_label_that_the_head_cannot_learn_is_named(bad: Any, message: str):
    examples = [TextExample("a film", 0), TextExample("a film", bad)]
    with pytest.raises(ValueError, match=message):
        TASK.encode(examples, TOKENIZER, 16, head(examples, "no", "yes"))


def test_as_many_labels_as_the_head_has_are_needed():
    examples = [TextExample("a", (0, 1, 1)), TextExample("a", (0, 1))]
    with pytest.raises(ValueError, match=r"example 1 has 2 labels, but the head has 3 \(a, b, c\)"):
        TASK.encode(examples, TOKENIZER, 16, head(examples, "a", "b", "c"))


def test_two_classes_at_least():
    with pytest.raises(
        ValueError, match=r"labels of the data are \['all'\]; .* at least two classes .* --read"
    ):
        head([TextExample("a", 0)], "all")
