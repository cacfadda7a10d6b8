"""The text to pretrain on: the training parts of the tasks, and never their test parts."""

from collections.abc import Iterator
from itertools import groupby
from typing import Literal

from convbert_edu.data.factbook import Country, field_line, load_passages
from convbert_edu.data.reviews import load_reviews
from convbert_edu.data.wikipedia import load_articles

Part = Literal["train", "validation", "test"]


def pretraining_texts(part: Part = "train") -> Iterator[str]:
    """Yield documents, one string each, in a fixed order: IMDB, Rotten Tomatoes, Wikipedia, the Factbook.

    A document has one paragraph a line; only a country has more than one, a line for each field. `part` is that of
    the tasks: "train" to learn from, "validation" to watch and choose by, "test" to measure, once all is chosen.

    Words to train on, in millions: IMDB 4.63, Rotten Tomatoes 0.14, Wikipedia 0.62, the Factbook 0.71; together 6.10
    in 34,913 documents. Validation: 0.78 in 4,415 documents.
    """
    for site in ("imdb", "rotten_tomatoes"):
        yield from (example.text for example in getattr(load_reviews(site), part))
    yield from (article.text for article in getattr(load_articles(), part))
    yield from (country_document(country) for country in getattr(load_passages(), part))


def country_document(country: Country) -> str:
    """Return all passages about a country, a line for each field: "Capital - name: Rome; time difference: ..."."""
    lines = [country.name]
    for field, passages in groupby(country.passages, key=lambda passage: passage.field):
        lines.append(field_line(field, list(passages)))
    return "\n".join(lines)
