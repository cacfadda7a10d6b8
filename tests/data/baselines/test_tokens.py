"""Baselines of token classification, by hand and on the tweets."""

import pytest
from seqeval.metrics import f1_score

from convbert_edu.data import TokenExample, load_tweets
from convbert_edu.data.baselines import gazetteer_predictions, token_regression_predictions

NAMES = ("O", "B-city", "I-city", "B-person", "I-person")


def test_the_longest_known_name_wins():
    train = [
        TokenExample(("New", "York", "and", "York"), (1, 2, 0, 1)),
        TokenExample(("York", "sings"), (3, 0)),
        TokenExample(("York", "sings", "York"), (3, 0, 3)),
    ]
    test = [TokenExample(("new", "YORK", "or", "York", "new"), (0,) * 5)]
    assert gazetteer_predictions(train, test, NAMES) == [["B-city", "I-city", "O", "B-person", "O"]]


def test_regression_learns_what_a_word_looks_like():
    train = [TokenExample(("see", name, "now"), (0, 3, 0)) for name in ("Ann", "Bob", "Eve", "Tom")] * 3
    assert token_regression_predictions(train, [TokenExample(("see", "Liz", "now"), (0, 3, 0))], NAMES) == [
        ["O", "B-person", "O"]
    ]


@pytest.mark.slow
def test_tweets():
    """Measured elsewhere, with other features: 0.32 and 0.35; an entity more or less is 0.005."""
    splits = load_tweets()
    labels = [[splits.label_names[label] for label in example.labels] for example in splits.test]
    for predict in (gazetteer_predictions, token_regression_predictions):
        assert f1_score(labels, predict(splits.train, splits.test, splits.label_names)) == pytest.approx(
            0.335, abs=0.02
        )
