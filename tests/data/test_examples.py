"""Dividing examples: the rules, and that no example is lost or seen twice."""

import hashlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.data.examples import TextExample, split_by_key, split_in_blocks


@given(st.integers(0, 3000))
def test_blocks_follow_the_exact_fractions(count: int):
    splits = split_in_blocks(range(count))
    assert splits.train == [i for i in range(count) if Fraction(i, count) < Fraction(8, 10)]
    assert splits.test == [i for i in range(count) if Fraction(i, count) >= Fraction(9, 10)]
    assert splits.train + splits.validation + splits.test == list(range(count))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(0, 100), st.integers(0, 100))
def test_a_key_alone_decides_the_part(keys: list[str], train: int, validation: int):
    validation = min(validation, 100 - train)
    splits = split_by_key(keys, lambda key: key, train, validation)
    assert sorted(splits.train + splits.validation + splits.test) == sorted(keys)
    for name in ("train", "validation", "test"):
        for key in getattr(splits, name):
            percent = int.from_bytes(hashlib.md5(key.encode()).digest(), "big") % 100
            in_train, in_test = percent < train, percent >= train + validation
            assert name == ("train" if in_train else "test" if in_test else "validation")


def test_most_keys_are_for_training():
    splits = split_by_key([str(number) for number in range(10_000)], lambda key: key)
    assert len(splits.train) == pytest.approx(8000, abs=150)
    assert len(splits.test) == pytest.approx(1000, abs=120)


def test_the_names_of_the_labels_travel_with_the_parts():
    names = ("bad", "good")
    assert split_in_blocks([TextExample("a film", 1)], names).label_names == names
    assert split_by_key([TextExample("a film", 1)], str, label_names=names).label_names == names
    assert split_by_key([TextExample("a film", 1)], str).label_names == ()


def test_examples_do_not_change():
    with pytest.raises(AttributeError):
        TextExample("a film", 1).label = 0
