"""The text to pretrain on: everything but the test parts of the tasks."""

from collections.abc import Iterator
from itertools import groupby

from convbert_edu.data.examples import Splits
from convbert_edu.data.factbook import Country, load_passages
from convbert_edu.data.reviews import load_reviews
from convbert_edu.data.wikipedia import load_articles


def pretraining_texts(held_out: bool = False) -> Iterator[str]:
    """Yield documents, one string each, in a fixed order: IMDB, Rotten Tomatoes, Wikipedia, the Factbook.

    A document has one paragraph a line; only a country has more than one, a line for each field. The test parts of
    all tasks are left out. `held_out=True` gives the validation parts instead, to measure what was learnt on text
    that was never trained on.

    Words to train on, in millions: IMDB 4.63, Rotten Tomatoes 0.14, Wikipedia 0.62, the Factbook 0.71; together 6.10
    in 34,913 documents. Held out: 0.78 in 4,415 documents.
    """
    for site in ("imdb", "rotten_tomatoes"):
        yield from (example.text for example in _chosen(load_reviews(site), held_out))
    yield from (article.text for article in _chosen(load_articles(), held_out))
    yield from (country_document(country) for country in _chosen(load_passages(), held_out))


def country_document(country: Country) -> str:
    """Return all passages about a country, a line for each field: "Capital - name: Rome; time difference: ..."."""
    lines = [country.name]
    for field, passages in groupby(country.passages, key=lambda passage: passage.field):
        facts = [f"{passage.part}: {passage.text}" if passage.part else passage.text for passage in passages]
        lines.append(f"{field} - {'; '.join(facts)}")
    return "\n".join(lines)


def _chosen(splits: Splits, held_out: bool) -> list:
    return splits.validation if held_out else splits.train
