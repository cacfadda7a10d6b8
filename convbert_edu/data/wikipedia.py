"""Introductions of English Wikipedia articles, and the task of telling their topic."""

import json
from dataclasses import dataclass

from convbert_edu.data.cleaning import clean_text
from convbert_edu.data.examples import Splits, TextExample, split_by_key
from convbert_edu.data.sources import read_inside

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
MINIMUM_WORDS = 15


@dataclass(frozen=True)
class Article:
    """The introduction of one article, with Wikipedia's short description and topic of it."""

    title: str
    description: str  # empty for 171 articles
    topic: str  # one of TOPICS, or "Uncategorized"
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
    """Return texts whose label is the place of their topic in TOPICS: 7,117 / 941 / 921.

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
