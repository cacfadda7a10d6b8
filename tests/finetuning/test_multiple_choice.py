"""Choices as readings of one context, side by side."""

import numpy as np
import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForMultipleChoice, ConvBertTokenizer
from convbert_edu.data.examples import ChoiceExample, Splits
from convbert_edu.finetuning.tasks import MultipleChoice
from convbert_edu.training.predict import predict
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers

TASK = MultipleChoice()
CONFIG = ConvBertConfig()
TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d"])
EXAMPLES = [
    ChoiceExample("one", "a", ("b", "c c c"), 1),
    ChoiceExample("two", "a a a a", ("b", "c"), 0, question="d"),
    ChoiceExample("three", "a", ("b", "d"), 1),
]


def test_each_choice_is_read_beside_the_context():
    encoded = TASK.encode(EXAMPLES, TOKENIZER, 16, CONFIG)
    assert (len(encoded), encoded.lengths) == (3, [7, 9, 5])
    batch = encoded.batch([1, 0])
    assert batch["input_ids"].shape == (2, 2, 9)
    assert batch["input_ids"][0].tolist() == [[2, 5, 5, 5, 5, 3, 8, 6, 3], [2, 5, 5, 5, 5, 3, 8, 7, 3]]
    assert batch["input_ids"][1, 0].tolist() == [2, 5, 3, 6, 3, 0, 0, 0, 0]
    assert batch["token_type_ids"][1, 1].tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert batch["labels"].tolist() == [0, 1]


@pytest.mark.parametrize(("max_length", "cut"), [(9, 0), (8, 1), (7, 1), (6, 2), (5, 2), (4, 3)])
def test_items_that_do_not_fit_are_counted(max_length: int, cut: int):
    """The longest readings of the three items have 7, 9 and 5 tokens."""
    assert TASK.encode(EXAMPLES, TOKENIZER, max_length, CONFIG).cut == cut


def test_results_come_in_the_order_of_the_examples():
    config = tiny_config(
        vocab_size=9, pad_token_id=0, mask_convolution=True, **TASK.config_fields(Splits([], [], []))
    )
    model = ConvBertForMultipleChoice(config).eval()
    randomise(model)
    encoded = TASK.encode(EXAMPLES, TOKENIZER, 16, CONFIG)
    results = predict(model, encoded, TASK.postprocess, batch_size=2)
    for row, scores in enumerate(results):
        alone = model(**encoded.batch([row])).logits[0]
        assert_same_numbers(torch.from_numpy(scores), alone)


def test_metrics_and_predictions():
    encoded = TASK.encode(EXAMPLES, TOKENIZER, 16, CONFIG)
    results = [np.array([0.0, np.log(3)]), np.array([0.0, 1.0]), np.array([0.0, 1.0])]
    assert TASK.metrics(results, encoded, EXAMPLES, CONFIG) == pytest.approx({"accuracy": 2 / 3})
    first = TASK.predictions(results, encoded, EXAMPLES, CONFIG)[0]
    assert (first["id"], first["choice"], first["text"]) == ("one", 1, "c c c")
    assert first["probabilities"] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (ChoiceExample("x", "a", ("b",), 0), "item 'x' has 1 choices, the first item has 2"),
        (
            ChoiceExample("x", "a", ("b", "c"), 2),
            "item 'x' has the label 2; with 2 choices it must be 0 to 1",
        ),
    ],
)
def test_a_missing_choice_and_a_wrong_label_are_named(bad: ChoiceExample, message: str):
    with pytest.raises(ValueError, match=message):
        TASK.encode([*EXAMPLES, bad], TOKENIZER, 16, CONFIG)


@pytest.mark.usefixtures("as_a_user")
def test_a_letter_in_place_of_the_number_of_a_choice_is_refused():
    with pytest.raises(ValueError, match="item 'x' has the label 'B'; with 2 choices it must be 0 to 1"):
        TASK.encode([ChoiceExample("x", "a", ("b", "c"), "B")], TOKENIZER, 16, CONFIG)
