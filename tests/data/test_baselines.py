"""The baselines reach the figures that were measured elsewhere on the same splits."""

import pytest
from sklearn.metrics import f1_score

from convbert_edu.data import (
    Splits,
    TextExample,
    majority_baseline,
    tfidf_baseline,
    tfidf_predictions,
)


def test_majority_by_hand():
    train = [TextExample("a", 1), TextExample("b", 1), TextExample("c", 0)]
    test = [TextExample("d", 1), TextExample("e", 0), TextExample("f", 0), TextExample("g", 0)]
    assert majority_baseline(train, test) == 0.25


def test_words_that_tell_the_classes_apart_are_learnt():
    train = [TextExample(text, label) for text, label in [("good film", 1), ("bad film", 0)] * 3]
    assert tfidf_predictions(train, ["a good one", "a bad one"]) == [1, 0]


def test_rotten_tomatoes(rotten_tomatoes: Splits):
    assert majority_baseline(rotten_tomatoes.train, rotten_tomatoes.test) == 0.5
    assert tfidf_baseline(rotten_tomatoes.train, rotten_tomatoes.test) == pytest.approx(0.783, abs=0.002)


@pytest.mark.slow
def test_imdb(imdb: Splits):
    assert tfidf_baseline(imdb.train, imdb.test) == pytest.approx(0.879, abs=0.002)


@pytest.mark.slow
def test_topics(topics: Splits):
    labels = [example.label for example in topics.test]
    predictions = tfidf_predictions(topics.train, [example.text for example in topics.test])
    accuracy = sum(map(int.__eq__, predictions, labels)) / len(labels)
    assert majority_baseline(topics.train, topics.test) == pytest.approx(0.203, abs=0.0005)
    assert accuracy == pytest.approx(0.893, abs=0.002)
    assert f1_score(labels, predictions, average="macro") == pytest.approx(0.866, abs=0.002)
