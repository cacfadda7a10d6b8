"""Random numbers by counter: the same for the same counters, however they are asked for, and evenly spread."""

import numpy as np

from convbert_edu.training.random_numbers import random_bits, uniform


def test_a_number_depends_on_its_counters_only():
    rows, positions = np.arange(5)[:, None], np.arange(7)
    table = random_bits(3, 1, rows, positions)
    assert table.shape == (5, 7)
    alone = [[int(random_bits(3, 1, row, position)[0]) for position in range(7)] for row in range(5)]
    assert table.tolist() == alone


def test_counters_are_not_confused_with_each_other():
    grid = np.arange(100)
    bits = random_bits(grid[:, None], grid)
    assert len(np.unique(bits)) == 100 * 100
    assert not np.array_equal(bits, bits.T)
    assert random_bits(0) != random_bits(0, 0)


def test_bits_equal_the_published_generator():
    """With one counter n this is splitmix64 started at n; its first numbers for 0 and 1234567 are well known."""
    assert int(random_bits(0)[0]) == 0xE220A8397B1DCDAF
    assert int(random_bits(1234567)[0]) == 6457827717110365317


def test_numbers_are_even_and_adjacent_ones_unrelated():
    numbers = uniform(7, np.arange(200)[:, None], np.arange(1000))
    assert 0 <= numbers.min() < numbers.max() < 1
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    expected = numbers.size / 20
    assert ((counts - expected) ** 2 / expected).sum() < 45  # chi square, 19 degrees of freedom: 1 in 1,000
    for left, right in ((numbers[:, :-1], numbers[:, 1:]), (numbers[:-1], numbers[1:])):
        assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.01
