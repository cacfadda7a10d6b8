"""Baselines of multiple choice: the choice that is most like the context, without understanding either."""

from collections.abc import Sequence

from convbert_edu.data.examples import ChoiceExample
from convbert_edu.data.wikipedia_choices import content_words


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
