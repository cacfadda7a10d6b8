"""The baselines reach the figures that were measured elsewhere on the same splits."""

import pytest
from sklearn.metrics import f1_score

from convbert_edu.data import (
    Splits,
    TextExample,
    load_recipes,
    majority_baseline,
    tfidf_baseline,
    tfidf_predictions,
)
from convbert_edu.data.baselines import tfidf_multi_label_predictions


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


def test_several_labels_are_learnt_one_by_one():
    train = [
        TextExample(text, label)
        for text, label in [("beat egg", (1, 0)), ("boil rice", (0, 1)), ("egg and rice", (1, 1))] * 5
    ]
    assert tfidf_multi_label_predictions(train, ["an egg", "some rice"]) == [[1, 0], [0, 1]]


@pytest.mark.slow
@pytest.mark.parametrize(("masked", "expected"), [(True, 0.65), (False, 0.80)])
def test_recipes(masked: bool, expected: float):
    """Measured elsewhere, on the same splits: 0.65 with the label words masked, 0.80 with all words."""
    splits = load_recipes(masked)
    found = tfidf_multi_label_predictions(splits.train, [example.text for example in splits.test])
    micro = f1_score([example.label for example in splits.test], found, average="micro")
    assert micro == pytest.approx(expected, abs=0.04)
