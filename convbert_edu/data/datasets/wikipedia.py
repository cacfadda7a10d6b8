"""Introductions of English Wikipedia articles, and three tasks made from them.

Topics: which topic an article has (lesson 09). Capitals: which words were written with a capital, a first task for
token classification (lesson 10). Choices: which of four descriptions belongs to a passage (lesson 12). All three keep
the splits of `load_articles`.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass

from convbert_edu.data.datasets.download import clean_text
from convbert_edu.data.datasets.sources import read_inside
from convbert_edu.data.examples import (
    ChoiceExample,
    Splits,
    TextExample,
    TokenExample,
    md5_number,
    split_by_key,
)

TOPICS = (
    "Arts",
    "Biology and health sciences",
    "Everyday life",
    "Geography",
    "History",
    "Mathematics",
    "People",
    "Philosophy and religion",
    "Physical sciences",
    "Society and social sciences",
    "Technology",
)
# Words of a text whose topic is to be told.
MINIMUM_WORDS = 15
CAPITALS = ("small", "capital", "sentence start")
# Words of a text whose capitals are to be told.
LONGEST = 100
MASK = "[MASK]"
# Words of a passage that belongs to one of several descriptions.
MINIMUM_PASSAGE_WORDS = 20
# Wrong choices of a question, and how many of them resemble the right one; the others are drawn at random.
WRONG = 3
HARD = 2

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
_SENTENCE_ENDS = frozenset(".!?")
# The end of a sentence: not after an initial ("Arthur C. Clarke") or a title.
_SENTENCE_END = re.compile(
    r"(?<=[^\sA-Z][.!?])(?<!\bSt\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bvs\.)[\"”)]?\s+(?=[A-Z\"“(])"
)
_YEAR = r"(?:c\. ?)?\d{3,4}s?(?:\s?[\u2013-]\s?(?:\d{2,4}|present))?(?: (?:BCE?|CE|AD))?"
# A bracket with a number in it, such as (born 1952); or a year with the words before it.
_YEARS = re.compile(
    r"\([^()]*\d[^()]*\)"
    rf"|(?:,? ?\b(?:from|in|of|since|between|until|during|for|to) )?\b{_YEAR}(?: (?:to|and|until) {_YEAR})?(?!\w)"
)
_STOP_WORDS = frozenset(
    "a an and as at by for from in is of on or s that the to type used was which with".split()
)


@dataclass(frozen=True)
class Article:
    """The introduction of one article, with Wikipedia's short description and topic of it."""

    title: str
    # Empty for 171 articles.
    description: str
    # One of TOPICS, or "Uncategorized".
    topic: str
    text: str


def load_articles() -> Splits[Article]:
    """Return all 10,033 articles, divided by the md5 of their title (80 / 10 / 10).

    Every task made from these articles keeps this division, so that a test article of one is never seen by another.
    """
    (content,) = read_inside("wikipedia").values()
    articles = [
        Article(row["title"], clean_text(row["description"]), row["topic"], clean_text(row["extract"]))
        for row in json.loads(content).values()
    ]
    return split_by_key(articles, key=lambda article: article.title)


def load_topics() -> Splits[TextExample]:
    """Return texts whose label is the index of their topic in TOPICS: 7,117 / 941 / 921.

    Left out are "Uncategorized" articles and those that explain little: fewer than 15 words, or the words "may refer
    to", by which Wikipedia lists the meanings of an ambiguous title.
    """
    articles = load_articles()
    return Splits(
        train=_topic_examples(articles.train),
        validation=_topic_examples(articles.validation),
        test=_topic_examples(articles.test),
        label_names=TOPICS,
    )


def _topic_examples(articles: list[Article]) -> list[TextExample]:
    return [
        TextExample(article.text, TOPICS.index(article.topic))
        for article in articles
        if article.topic in TOPICS
        and len(article.text.split()) >= MINIMUM_WORDS
        and "may refer to" not in article.text
    ]


# Capitals.


def load_capitals() -> Splits[TokenExample]:
    """Return the first 100 words of Wikipedia introductions and how each was written: 7,979 / 1,037 / 1,017.

    Our tokenizer makes all letters small. To tell where the capitals were, a model has to know what a name looks like
    and where one stands, although nobody has marked any. A first task of this kind helps to recognise names
    (truecasing; Mayhew et al. 2020, Robust Named Entity Recognition with Truecasing Pretraining). The first word of a
    sentence has a capital whatever it is, and is a class of its own; "I" has one, too, and counts as small.
    The splits are those of `load_articles`.
    """
    articles = load_articles()
    splits = []
    for split in (articles.train, articles.validation, articles.test):
        examples = [marked_capitals(article.text) for article in split]
        splits.append([example for example in examples if example.words])
    return Splits(*splits, label_names=CAPITALS)


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


# Choices.


def load_choices(first_sentence: bool = False, draws: int = 0) -> Splits[ChoiceExample]:
    """Return passages with four descriptions each, one of them of the passage's article: 5,101 / 656 / 646.

    The passage is an introduction without its first sentence (which mostly says what the description says), its
    title masked. The three wrong descriptions are of articles of the same topic and the same split: two share most
    words with the right one (hard negatives), one is drawn at random. Years are taken out of the descriptions, as they
    would give the answer away, and descriptions that two articles share, or of one word, are left out.
    Since two wrong ones resemble the right one, it shares most words with the other three in about half of the items,
    and can be found there without the passage (lesson 12).
    The articles keep the division of `load_articles`: no text of a test item is in the pretraining corpus.

    first_sentence: leave it in the passages; the description is then easy to find, and a model can learn to look for it
    draws: as often each passage of the training split comes once more, with three wrong descriptions drawn at random
    Raises ValueError for a negative number of draws.
    """
    if draws < 0:
        raise ValueError(f"draws is {draws}; it must be 0 or more")
    articles = load_articles()
    every_one = [*articles.train, *articles.validation, *articles.test]
    uses = Counter(without_years(article.description) for article in every_one)
    return Splits(
        train=_examples(articles.train, uses, first_sentence, draws),
        validation=_examples(articles.validation, uses, first_sentence),
        test=_examples(articles.test, uses, first_sentence),
    )


def without_years(description: str) -> str:
    """Return a short description without years: "King of France from 1774 to 1792" becomes "King of France"."""
    text = " ".join(_YEARS.sub(" ", description).split()).strip(" ,;-\u2013")
    text = re.sub(r" ([,.;])", r"\1", text)
    return text[:1].upper() + text[1:]


def masked_passage(article: Article, first_sentence: bool = False) -> str:
    """Return the article's text from its second sentence on; the title, and its longer words, become [MASK].

    With `first_sentence` the text is whole.
    """
    rest = [article.text] if first_sentence else _SENTENCE_END.split(article.text, maxsplit=1)[1:]
    title = re.sub(r"\s*\([^()]*\)$", "", article.title)
    names = sorted({title, *re.findall(r"\w{4,}", title)}, key=lambda name: (-len(name), name))
    mention = rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?:e?s)?(?!\w)"
    return re.sub(mention, MASK, " ".join(rest), flags=re.IGNORECASE)


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text in small letters, without stop words."""
    return frozenset(re.findall(r"\w+", text.lower())) - _STOP_WORDS


def _examples(
    articles: list[Article], uses: Counter[str], first_sentence: bool, draws: int = 0
) -> list[ChoiceExample]:
    """Return the questions that the articles of one split make, topic by topic."""
    examples = []
    for topic in TOPICS:
        described = [
            (article, description)
            for article in articles
            if article.topic == topic
            and uses[description := without_years(article.description)] == 1
            and len(description.split()) > 1
        ]
        wrong = _WrongChoices([description for _, description in described])
        for index, (article, description) in enumerate(described):
            passage = masked_passage(article)
            if len(passage.split()) >= MINIMUM_PASSAGE_WORDS:
                passage = masked_passage(article, first_sentence=True) if first_sentence else passage
                for number in range(1 + draws):
                    again = f" {number}" if number else ""
                    choices = wrong.drawn(index, again) if again else wrong.of(index)
                    label = md5_number(f"place of the right one{again}", article.title) % (len(choices) + 1)
                    choices.insert(label, description)
                    examples.append(ChoiceExample(article.title + again, passage, tuple(choices), label))
    return examples


class _WrongChoices:
    """Finds, among the descriptions of one topic, three that are wrong for one of them."""

    def __init__(self, descriptions: list[str]) -> None:
        self.descriptions = descriptions
        self.words = [content_words(description) for description in descriptions]
        self.with_word: dict[str, list[int]] = {}
        for index, words in enumerate(self.words):
            for word in words:
                self.with_word.setdefault(word, []).append(index)

    def of(self, index: int) -> list[str]:
        """Return those that share the largest part of their words with description `index`, and drawn ones."""
        right, words, count = self.descriptions[index], self.words[index], len(self.descriptions)
        shared = Counter(other for word in words for other in self.with_word[word])
        # Of descriptions that are equally alike, those after a random one come first.
        start = md5_number("ties", right) % count

        def rank(other: int) -> tuple[float, int]:
            return -shared[other] / len(words | self.words[other]), (other - start) % count

        alike = sorted((other for other in shared if self._differ(index, other)), key=rank)[:HARD]
        chosen = self._with_drawn(index, alike)
        chosen.sort(key=lambda other: md5_number("order", right, self.descriptions[other]))
        return [self.descriptions[other] for other in chosen]

    def drawn(self, index: int, again: str) -> list[str]:
        """Return three that are drawn at random; others for each text `again`."""
        return [self.descriptions[other] for other in self._with_drawn(index, [], again)]

    def _with_drawn(self, index: int, chosen: list[int], again: str = "") -> list[int]:
        """Return `chosen` and as many others, drawn at random, as are missing."""
        chosen, attempt = list(chosen), 0
        while len(chosen) < WRONG:
            drawn = md5_number(f"random {attempt}{again}", self.descriptions[index]) % len(self.descriptions)
            if self._differ(index, drawn) and drawn not in chosen:
                chosen.append(drawn)
            attempt += 1
        return chosen

    def _differ(self, index: int, other: int) -> bool:
        """Say no to "root vegetable" and "type of root vegetable": both might be right."""
        return not (self.words[index] <= self.words[other] or self.words[index] >= self.words[other])
