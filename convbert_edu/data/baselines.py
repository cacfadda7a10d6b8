"""Baselines: what is reached without a neural network, one section for each kind of task (lessons 09 to 12).

A model is worth its cost only by what it does better than these.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from convbert_edu.data.datasets.wikipedia import content_words
from convbert_edu.data.examples import ChoiceExample, TextExample, TokenExample

# For question answering: words that say little; what the question says, and what then is an answer.
_STOP_WORDS = frozenset(
    "a an and are as at by did do does for from has have how in into is it its most of on one or that the their they "
    "to was what when where which who whom with".split()
)
_DATE = r"(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}"
_NUMBER = r"[$]?\d[\d.,]*(?: ?(?:million|billion|km|m|%))?"
_RULES = [
    (r"(?i)^(?:since when|when|on which day|of which day)", _DATE),
    (r"(?i)^who\b", r"[A-Z][^;:(]*?(?= \(since)"),
    (r"(?i)^(?:how (?:many|large|long|high|much)|what share|to what elevation)", _NUMBER),
    (r"(?i)\b(?:most|main|largest|best|official|who buys)\b", r"[A-Z][^\d,;:(]*(?= )"),
]


# Text classification: the most frequent class; TF-IDF and logistic regression.


def majority_baseline(train: Sequence[TextExample], test: Sequence[TextExample]) -> float:
    """Return the test accuracy of always predicting the class that is most frequent in `train`."""
    label, _ = Counter(example.label for example in train).most_common(1)[0]
    return sum(example.label == label for example in test) / len(test)


def tfidf_baseline(train: Sequence[TextExample], test: Sequence[TextExample]) -> float:
    """Return the test accuracy of TF-IDF and logistic regression; see `tfidf_predictions`."""
    predictions = tfidf_predictions(train, [example.text for example in test])
    num_correct = sum(label == example.label for label, example in zip(predictions, test, strict=True))
    return num_correct / len(test)


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


# Token classification: a list of known names; logistic regression on each word and its neighbours.


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
    """Return the BIO labels of known names in a text; `longest` is the number of words of the longest name."""
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
            "word": small[position + 1],
            "before": small[position],
            "after": small[position + 2],
            "first letters": small[position + 1][:3],
            "last letters": small[position + 1][-3:],
            "shape": shape,
            "shape and word before": f"{small[position]} {shape}",
        }
        for position, shape in enumerate(shapes)
    ]


# Question answering: the clause that shares words with the question; rules for what an answer looks like.


def overlap_answer(question: str, context: str) -> str:
    """Return the clause that shares most words (by their first five letters) with the question."""
    asked = _stems(question)
    clauses = [clause.strip() for clause in re.split(r"[;\n]|\. ", context) if clause.strip()]
    return max(clauses, key=lambda clause: len(asked & _stems(clause)))


def rule_answer(question: str, context: str) -> str:
    """Return what looks like an answer in the line that shares most words with the question.

    A date where the question begins with "when", a name in office for "who", a number for "how many", the first item
    for "most"; otherwise the first clause after the name of the field.
    """
    asked = _stems(question)
    line = max(
        context.split("\n"), key=lambda line: len(asked & _stems(line)) + len(asked & _stems(_field(line)))
    )
    statements = line.removeprefix(_field(line)).removeprefix(" - ").rstrip(".")
    items = re.split(r"; |, (?=\D)", statements)
    nearest = max(items, key=lambda item: len(asked & _stems(item)))
    for says, looks in _RULES:
        if re.search(says, question):
            found = re.search(looks, nearest) or re.search(looks, statements)
            if found:
                return found[0]
    statement = max(statements.split("; "), key=lambda statement: len(asked & _stems(statement)))
    return re.split(r" ?[(;]", statement.split(": ")[-1])[0]


def _field(line: str) -> str:
    """Return the name of the field with which a line of a Factbook context begins."""
    return line.partition(" - ")[0]


def _stems(text: str) -> frozenset[str]:
    """Return the first five letters of each word of a text, without stop words."""
    return frozenset(word[:5] for word in re.findall(r"\w+", text.lower()) if word not in _STOP_WORDS)


# Multiple choice: the choice whose words are most like those of the context.


def overlap_choice(example: ChoiceExample) -> int:
    """Return the number of the choice that has the largest share of its words in the context."""
    context = content_words(example.context)

    def share(choice: str) -> float:
        words = content_words(choice)
        return len(words & context) / max(len(words), 1)

    shares = [share(choice) for choice in example.choices]
    return shares.index(max(shares))


def tfidf_choices(train: Sequence[ChoiceExample], test: Sequence[ChoiceExample]) -> list[int]:
    """Return the number of the choice whose TF-IDF vector has the smallest angle to that of the context."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True)
    vectorizer.fit(text for example in train for text in (example.context, *example.choices))
    contexts = vectorizer.transform(example.context for example in test)
    predictions = []
    for row, example in enumerate(test):
        similar = (vectorizer.transform(example.choices) @ contexts[row].T).toarray().ravel()
        predictions.append(int(similar.argmax()))
    return predictions
