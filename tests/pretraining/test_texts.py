"""The text to pretrain on: no test text in it, and the same in every run."""

from itertools import islice

import pytest

from convbert_edu.data import load_articles, load_passages, load_reviews, load_topics
from convbert_edu.data.datasets.factbook import Country, Passage
from convbert_edu.pretraining.documents import country_document, pretraining_texts


@pytest.fixture(scope="module")
def train() -> list[str]:
    return list(pretraining_texts())


@pytest.fixture(scope="module")
def held_out() -> list[str]:
    return list(pretraining_texts("validation"))


def words(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)


def test_the_amounts_are_as_documented(train: list[str], held_out: list[str]):
    assert (len(train), len(held_out)) == (34_913, 4_415)
    assert words(train) == pytest.approx(6_100_000, rel=0.01)
    assert words(held_out) == pytest.approx(784_000, rel=0.01)


def test_no_test_text_is_in_it(train: list[str], held_out: list[str]):
    documents = {*train, *held_out}
    labelled = (load_reviews("rotten_tomatoes"), load_reviews("imdb"), load_topics())
    test_texts = [example.text for splits in labelled for example in splits.test]
    test_texts += [article.text for article in load_articles().test]
    assert documents.isdisjoint(test_texts)
    names = {document.partition("\n")[0] for document in documents if "\n" in document}
    assert names.isdisjoint(country.name for country in load_passages().test)


def test_held_out_text_is_never_trained_on(train: list[str], held_out: list[str]):
    assert set(train).isdisjoint(held_out)


def test_the_test_split_is_the_rest(train: list[str], held_out: list[str]):
    test = list(pretraining_texts("test"))
    assert len(test) > 4_000
    assert {*train, *held_out}.isdisjoint(test)


def test_the_order_is_the_same_each_time(held_out: list[str]):
    assert list(islice(pretraining_texts("validation"), 3_000)) == held_out[:3_000]


def test_a_country_has_a_line_for_each_field():
    country = Country(
        "xy",
        "Xyland",
        (
            Passage("Introduction", "Background", "", "It is small."),
            Passage("Geography", "Area", "total", "2 sq km"),
            Passage("Geography", "Area", "land", "1 sq km"),
        ),
    )
    assert country_document(country) == (
        "Xyland\nBackground - It is small.\nArea - total: 2 sq km; land: 1 sq km"
    )
