"""Words and their pieces: which piece carries the label, where long texts are divided, which entities count."""

import numpy as np
import pytest

from convbert_edu import ConvBertConfig, ConvBertTokenizer
from convbert_edu.data.examples import Splits, TokenExample
from convbert_edu.finetuning.tasks import TokenClassification

TASK = TokenClassification()
NAMES = ("O", "B-place", "I-place", "B-person")
CONFIG = ConvBertConfig(id2label=dict(enumerate(NAMES)))
TOKENIZER = ConvBertTokenizer(
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "new", "york", "##ers", "ann", "in", "##n"]
)
X = -100


def test_the_first_piece_of_a_word_carries_the_label():
    examples = [TokenExample(("Ann", "in", "New", "Yorkers"), (3, 0, 1, 2))]
    encoded = TASK.encode(examples, TOKENIZER, 16, CONFIG)
    assert encoded.input_ids == [[2, 8, 9, 5, 6, 7, 3]]
    assert encoded.labels == [[X, 3, 0, 1, 2, X, X]]
    assert encoded.batch([0], width=9)["labels"].tolist() == [[X, 3, 0, 1, 2, X, X, X, X]]


def test_a_long_text_goes_on_in_the_next_row_and_no_word_is_lost():
    """Five positions of a row are for pieces: four words (one of two pieces), then two, then one that is cut."""
    words = ("ann", "in", "new", "yorkers", "ann", "yorkers" + "n" * 9)
    examples = [TokenExample(words, (3, 0, 1, 2, 3, 0)), TokenExample(("in",), (0,))]
    encoded = TASK.encode(examples, TOKENIZER, 7, CONFIG)
    assert encoded.labels == [[X, 3, 0, 1, 2, X, X], [X, 3, X], [X, 0, X, X, X, X, X], [X, 0, X]]
    assert encoded.example_of_row == [0, 0, 0, 1]
    scores = [np.eye(4)[[3, 0, 1, 2]], np.eye(4)[[3]], np.eye(4)[[1]], np.eye(4)[[0]]]
    predictions = TASK.predictions(scores, encoded, examples, CONFIG)
    assert predictions[0]["labels"] == ["B-person", "O", "B-place", "I-place", "B-person", "B-place"]
    assert predictions[0]["entities"][1] == {"kind": "place", "text": "new yorkers", "first_word": 2}


def test_a_word_of_nothing_visible_still_has_a_label():
    encoded = TASK.encode([TokenExample(("in", "\u200b", "new"), (0, 1, 2))], TOKENIZER, 16, CONFIG)
    assert encoded.input_ids == [[2, 9, 1, 5, 3]]
    assert encoded.labels == [[X, 0, 1, 2, X]]


def test_whole_entities_are_counted():
    """Three entities are there, three found, one of them right: "new york" is cut short, the last has another kind."""
    words = ("ann", "in", "new", "york", "in", "ann")
    examples = [TokenExample(words, (3, 0, 1, 2, 0, 3))]
    encoded = TASK.encode(examples, TOKENIZER, 16, CONFIG)
    result = TASK.metrics([np.eye(4)[[3, 0, 1, 0, 0, 1]]], encoded, examples, CONFIG)
    third = pytest.approx(1 / 3)
    assert result == {
        "accuracy": pytest.approx(4 / 6), "entity_f1": third, "entity_precision": third, "entity_recall": third
    }  # fmt: skip


def test_parts_of_speech_are_no_entities():
    splits = Splits([TokenExample(("in",), (0,))], [], [], ("NOUN", "ADP"))
    config = ConvBertConfig(**TASK.config_fields(splits))
    encoded = TASK.encode(splits.train, TOKENIZER, 16, config)
    assert TASK.metrics([np.eye(2)[[0]]], encoded, splits.train, config) == {"accuracy": 1.0}
    assert TASK.metric_for_best_model(splits) == "accuracy"
    assert TASK.metric_for_best_model(Splits([], [], [], NAMES)) == "entity_f1"


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (TokenExample(("in", "new"), (0,)), "example 0 has 2 words and 1 labels"),
        (TokenExample((), ()), "example 0 has 0 words"),
        (
            TokenExample(("in",), (4,)),
            r"example 0 has the label 4, but the head has 4 labels, 0 to 3 \(O, B-place",
        ),
    ],
)
def test_words_and_labels_that_do_not_fit_are_named(example: TokenExample, message: str):
    with pytest.raises(ValueError, match=message):
        TASK.encode([example], TOKENIZER, 16, CONFIG)


@pytest.mark.usefixtures("as_a_user")
def test_the_name_of_a_label_in_place_of_its_number_is_refused():
    with pytest.raises(ValueError, match="example 0 has the label 'O', but the head has 4 labels"):
        TASK.encode([TokenExample(("in",), ("O",))], TOKENIZER, 16, CONFIG)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": " "}, "the text is empty; give at least one word"),
        ({"words": []}, r"the field 'words' is \[\]; it must be a list of texts, at least one"),
        ({"words": ["in", None]}, r"the field 'words' is \['in', None\]; it must be a list of texts"),
    ],
)
def test_inputs_without_words_are_named(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        TASK.example_from(fields, CONFIG)
