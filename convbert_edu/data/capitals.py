"""A teacher that costs nothing: which words of a text were written with a capital?"""

import re

from convbert_edu.data.examples import Splits, TokenExample
from convbert_edu.data.wikipedia import load_articles

CAPITALS = ("small", "capital", "sentence start")
LONGEST = 100  # words of a text

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
_SENTENCE_ENDS = frozenset(".!?")


def load_capitals() -> Splits[TokenExample]:
    """Return the first 100 words of Wikipedia introductions and how each was written: 7,979 / 1,037 / 1,017.

    Our tokenizer makes all letters small. Who is then to tell where the capitals were has to know what a name looks
    like and where one stands, without anybody having marked a name. A first task of this kind helps with names
    (Mayhew et al. 2020, Robust Named Entity Recognition with Truecasing Pretraining). The first word of a sentence has
    a capital whatever it is, and is a class of its own; "I" has one, too, and counts as small.
    The parts are those of `load_articles`.
    """
    articles = load_articles()
    parts = (articles.train, articles.validation, articles.test)
    texts = ([marked_capitals(article.text) for article in part] for part in parts)
    return Splits(*([example for example in part if example.words] for part in texts), label_names=CAPITALS)


def marked_capitals(text: str) -> TokenExample:
    """Divide a text into words and signs, and say of each whether it was written with a capital."""
    words, labels, at_start = _WORD.findall(text)[:LONGEST], [], True
    for word in words:
        if at_start and word[0].isalnum():
            labels.append(CAPITALS.index("sentence start"))
            at_start = False
        else:
            labels.append(CAPITALS.index("capital" if word[0].isupper() and word != "I" else "small"))
            at_start = at_start or word in _SENTENCE_ENDS
    return TokenExample(tuple(words), tuple(labels))
