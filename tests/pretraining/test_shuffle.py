"""The shuffle that needs no memory is a shuffle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.training.random_numbers import shuffled


@given(count=st.integers(1, 3000), key=st.integers(0, 2**40))
def test_each_number_comes_exactly_once(count: int, key: int):
    assert sorted(shuffled(np.arange(count), count, key)) == list(range(count))


def test_a_place_can_be_asked_for_alone():
    whole = shuffled(np.arange(1000), 1000, 5, 2)
    positions = np.array([999, 0, 17, 17])
    assert shuffled(positions, 1000, 5, 2).tolist() == whole[positions].tolist()


def test_other_keys_give_other_orders_and_none_is_the_old_one():
    orders = [tuple(shuffled(np.arange(500), 500, seed, epoch)) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9
    fixed = [sum(position == number for position, number in enumerate(order)) for order in orders]
    assert max(fixed) < 10  # a random order leaves one number at its position, on average


@pytest.mark.parametrize("count", [100, 5000])
def test_numbers_move_evenly_far(count: int):
    """In a random order a number and its position are unrelated, and so are neighbours."""
    order = shuffled(np.arange(count), count, 1)
    assert abs(np.corrcoef(order, np.arange(count))[0, 1]) < 4 / np.sqrt(count)
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 4 / np.sqrt(count)


def test_a_hundred_billion_numbers_are_no_effort():
    positions = np.arange(10**11 - 5, 10**11)
    found = shuffled(positions, 10**11, 3)
    assert len(set(found.tolist())) == 5
    assert found.min() >= 0
    assert found.max() < 10**11
