"""The Factbook: every country in one split, passages clean and each once."""

import re

import pytest

from convbert_edu.data import Country, Splits, load_passages


@pytest.fixture(scope="module")
def countries() -> Splits:
    return load_passages()


def everyone(countries: Splits) -> list[Country]:
    return [*countries.train, *countries.validation, *countries.test]


def test_each_of_256_entries_is_in_one_part(countries: Splits):
    assert [len(split) for split in (countries.train, countries.validation, countries.test)] == [186, 34, 36]
    assert len({country.code for country in everyone(countries)}) == 256
    assert len({country.name for country in everyone(countries)}) == 256


def test_names(countries: Splits):
    names = {country.code: country.name for country in everyone(countries)}
    known = {"gm": "Germany", "iv": "Côte d'Ivoire", "ct": "Central African Republic"}
    known |= {"ee": "European Union", "xx": "World"}
    assert {code: names[code] for code in known} == known
    assert "none" not in names.values()


def test_a_passage_knows_where_it_stood(countries: Splits):
    (luxembourg,) = [country for country in everyone(countries) if country.name == "Luxembourg"]
    (capital,) = [
        passage for passage in luxembourg.passages if (passage.field, passage.part) == ("Capital", "name")
    ]
    assert (capital.section, capital.text) == ("Government", "Luxembourg")


def test_passages_are_clean_and_distinct(countries: Splits):
    for country in everyone(countries):
        seen = [(passage.field, passage.part, passage.text) for passage in country.passages]
        assert len(seen) == len(set(seen)) > 0
        for passage in country.passages:
            assert passage.text
            assert passage.text.isprintable()
            assert not re.search(r"</?(p|br|b|em|strong|small)\b|&[a-z]+;|https?://", passage.text)
            assert passage.part not in ("telephone", "FAX", "email address and website", "text")
            assert not (passage.part == "note" and passage.text.startswith("note: "))
