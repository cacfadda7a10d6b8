"""Baselines of text classification: the most frequent class, and logistic regression on weighted word counts."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from convbert_edu.data.datasets.wikipedia import content_words
from convbert_edu.data.examples import ChoiceExample, TextExample, TokenExample


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


# Baselines of token classification: a list of known names, and logistic regression on each word alone.


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


# Baselines of question answering: where the words of the question stand, and rules for what an answer looks like.


_SAY_LITTLE = frozenset(
    "a an and are as at by did do does for from has have how in into is it its most of on one or that the their they "
    "to was what when where which who whom with".split()
)
_DATE = r"(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}"
_NUMBER = r"[$]?\d[\d.,]*(?: ?(?:million|billion|km|m|%))?"
# What the question says, and what then is an answer.
_RULES = [
    (r"(?i)^(?:since when|when|on which day|of which day)", _DATE),
    (r"(?i)^who\b", r"[A-Z][^;:(]*?(?= \(since)"),
    (r"(?i)^(?:how (?:many|large|long|high|much)|what share|to what elevation)", _NUMBER),
    (r"(?i)\b(?:most|main|largest|best|official|who buys)\b", r"[A-Z][^\d,;:(]*(?= )"),
]


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
    part = max(statements.split("; "), key=lambda statement: len(asked & _stems(statement)))
    return re.split(r" ?[(;]", part.split(": ")[-1])[0]


def _field(line: str) -> str:
    """Return the name of the field with which a line of a Factbook context begins."""
    return line.partition(" - ")[0]


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in re.findall(r"\w+", text.lower()) if word not in _SAY_LITTLE)


# Baselines of multiple choice: the choice that is most like the context, without understanding either.


def overlap_choice(example: ChoiceExample) -> int:
    """Return the number of the choice that has the largest share of its words in the context."""
    context = content_words(example.context)

    def share(choice: str) -> float:
        words = content_words(choice)
        return len(words & context) / max(len(words), 1)

    shares = [share(choice) for choice in example.choices]
    return shares.index(max(shares))


def tfidf_choices(train: Sequence[ChoiceExample], test: Sequence[ChoiceExample]) -> list[int]:
    """Return the number of the choice whose weighted word counts have the smallest angle to those of the context."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True)
    vectorizer.fit(text for example in train for text in (example.context, *example.choices))
    contexts = vectorizer.transform(example.context for example in test)
    answers = []
    for row, example in enumerate(test):
        similar = (vectorizer.transform(example.choices) @ contexts[row].T).toarray().ravel()
        answers.append(int(similar.argmax()))
    return answers
