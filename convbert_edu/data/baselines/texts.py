"""Baselines of text classification: the most frequent class, and logistic regression on weighted word counts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from convbert_edu.data.examples import TextExample


def majority_baseline(train: Sequence[TextExample], test: Sequence[TextExample]) -> float:
    """Return the test accuracy of always answering the class that is most frequent in `train`."""
    label, _ = Counter(example.label for example in train).most_common(1)[0]
    return sum(example.label == label for example in test) / len(test)


def tfidf_baseline(train: Sequence[TextExample], test: Sequence[TextExample]) -> float:
    """Return the test accuracy of logistic regression on weighted word counts; see `tfidf_predictions`."""
    predictions = tfidf_predictions(train, [example.text for example in test])
    right = sum(label == example.label for label, example in zip(predictions, test, strict=True))
    return right / len(test)


def tfidf_predictions(train: Sequence[TextExample], texts: Sequence[str]) -> list[int]:
    """Return the class of each text, by logistic regression (C = 10) on TF-IDF of words and pairs of words.

    TF-IDF counts how often a word stands in a text and gives less weight to words that stand in many. Words and
    pairs that occur in one training text only are left out (min_df = 2), and counts are dampened (1 + log count).
    """
    # Imported here because it takes a second, and most readers of the package never need it.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    features = vectorizer.fit_transform([example.text for example in train])
    classifier = LogisticRegression(C=10, max_iter=1000).fit(features, [example.label for example in train])
    return classifier.predict(vectorizer.transform(texts)).tolist()


def tfidf_multi_label_predictions(train: Sequence[TextExample], texts: Sequence[str]) -> list[list[int]]:
    """Return a 0 or 1 for each label of each text: one logistic regression a label, rare labels weighted up."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    features = vectorizer.fit_transform([example.text for example in train])
    one = LogisticRegression(max_iter=1000, class_weight="balanced")
    classifier = OneVsRestClassifier(one).fit(features, np.array([example.label for example in train]))
    return classifier.predict(vectorizer.transform(texts)).tolist()
