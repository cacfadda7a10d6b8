"""How words were written, read from the text itself."""

import re

import pytest

from convbert_edu.data import CAPITALS, Splits, load_articles, load_capitals
from convbert_edu.data.datasets.wikipedia import marked_capitals


@pytest.fixture(scope="module")
def capitals() -> Splits:
    return load_capitals()


def test_the_splits_are_those_of_the_articles(capitals: Splits):
    assert [len(split) for split in (capitals.train, capitals.validation, capitals.test)] == [
        7979,
        1037,
        1017,
    ]
    assert capitals.label_names == CAPITALS
    for split in ("train", "validation", "test"):
        texts = {"".join(article.text.split()) for article in getattr(load_articles(), split)}
        for example in getattr(capitals, split)[:20]:
            beginning = "".join(example.words)
            assert any(text.startswith(beginning) for text in texts)


def test_labels_by_hand():
    example = marked_capitals(
        'Tea came from China. "Boil it", I say! NASA\u2019s 3 Cups don\'t. 2 in \u00c9vry'
    )
    expected = {
        "Tea": 2, "came": 0, "from": 0, "China": 1, ".": 0, '"': 0, "Boil": 2, "it": 0, ",": 0, "I": 0, "say": 0,
        "!": 0, "NASA\u2019s": 2, "3": 0, "Cups": 1, "don't": 0, "2": 2, "in": 0, "\u00c9vry": 1,
    }  # fmt: skip
    assert dict(zip(example.words, example.labels, strict=True)) == expected


def test_every_label_says_how_its_word_is_written(capitals: Splits):
    for example in capitals.validation:
        assert len(example.words) <= 100
        for word, label in zip(example.words, example.labels, strict=True):
            if label == CAPITALS.index("capital"):
                assert word[0].isupper()
            elif label == CAPITALS.index("small"):
                assert word == "I" or not re.match(r"[A-Z]", word)


def test_an_empty_text_has_no_words():
    assert marked_capitals(" ").words == ()
