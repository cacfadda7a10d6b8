"""How well an answer meets the right ones, by the published rules of SQuAD: exact match, F1 of words (lesson 11)."""

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def plain_words(text: str) -> list[str]:
    """Return the words that count: in small letters, without punctuation, without the articles a, an and the."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def exact_match(answer: str, right: str) -> float:
    """Return 1 where both consist of the same words, else 0."""
    return float(plain_words(answer) == plain_words(right))


def word_f1(answer: str, right: str) -> float:
    """Return the harmonic mean of precision and recall of the words; of two empty answers it is 1."""
    ours, theirs = plain_words(answer), plain_words(right)
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def best_scores(answer: str, right: Sequence[str]) -> tuple[float, float]:
    """Return (exact match, F1) beside the right answer that fits best; without any, the empty answer is right.

    An answer of articles and punctuation alone does not count as one.
    """
    counting = [text for text in right if plain_words(text)] or [""]
    exact, f1 = ([score(answer, text) for text in counting] for score in (exact_match, word_f1))
    return max(exact), max(f1)
