"""Baselines of token classification: a list of known names, and logistic regression on each word alone."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from convbert_edu.data.examples import TokenExample


def gazetteer_predictions(
    train: Sequence[TokenExample], test: Sequence[TokenExample], label_names: Sequence[str]
) -> list[list[str]]:
    """Return BIO labels: a name that stood in the training texts is what it mostly was there, the longest first."""
    kinds: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for example in train:
        labels = [label_names[label] for label in example.labels]
        for start, label in enumerate(labels):
            if label.startswith("B-"):
                end = start + 1
                while end < len(labels) and labels[end].startswith("I-"):
                    end += 1
                kinds[tuple(word.lower() for word in example.words[start:end])][label[2:]] += 1
    longest = max(map(len, kinds), default=0)
    return [_mark([word.lower() for word in example.words], kinds, longest) for example in test]


def _mark(words: list[str], kinds: dict[tuple[str, ...], Counter[str]], longest: int) -> list[str]:
    labels: list[str] = []
    while len(labels) < len(words):
        start = len(labels)
        for length in range(min(longest, len(words) - start), 0, -1):
            known = kinds.get(tuple(words[start : start + length]))
            if known:
                ((kind, _),) = known.most_common(1)
                labels += [f"B-{kind}", *[f"I-{kind}"] * (length - 1)]
                break
        else:
            labels.append("O")
    return labels


def token_regression_predictions(
    train: Sequence[TokenExample], test: Sequence[TokenExample], label_names: Sequence[str]
) -> list[list[str]]:
    """Return BIO labels by logistic regression on what each word and its neighbours look like."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = DictVectorizer()
    features = vectorizer.fit_transform(look for example in train for look in _looks(example.words))
    labels = [label for example in train for label in example.labels]
    classifier = LogisticRegression(C=10, max_iter=200).fit(features, labels)
    return [
        [label_names[label] for label in classifier.predict(vectorizer.transform(_looks(example.words)))]
        for example in test
    ]


def _looks(words: Sequence[str]) -> list[dict[str, str]]:
    """Return what can be seen of each word: letters, endings, capitals, neighbours."""
    shapes = [re.sub(r"(.)\1+", r"\1", re.sub(r"\d", "0", re.sub(r"[a-z]", "x", re.sub(r"[A-Z]", "X", word))))
              for word in words]  # fmt: skip
    small = ["<s>", *(word.lower() for word in words), "</s>"]
    return [
        {
            "word": small[place + 1],
            "before": small[place],
            "after": small[place + 2],
            "first letters": small[place + 1][:3],
            "last letters": small[place + 1][-3:],
            "shape": shape,
            "shape and word before": f"{small[place]} {shape}",
        }
        for place, shape in enumerate(shapes)
    ]
