"""Shuffling a hundred million numbers without holding them in memory."""

import numpy as np

from convbert_edu.data.pretraining.counter_random import random_bits

ROUNDS = 4


def shuffled(places: np.ndarray, count: int, *key: int) -> np.ndarray:
    """Return which of the numbers 0 ... count-1 stand at `places` of their shuffle; each `key` is another shuffle.

    A Feistel network, as in ciphers: the bits of a number are cut in two halves, and in each round one half is
    scrambled by a function of the other. Each round can be undone, so no two numbers meet; and each place can be
    computed alone. Results past `count` go round again until they fall inside.
    """
    half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
    numbers = places.astype(np.uint64)
    outside = np.ones(len(numbers), dtype=bool)
    while outside.any():
        numbers[outside] = _scramble(numbers[outside], half, key)
        outside = numbers >= count
    return numbers.astype(np.int64)


def _scramble(numbers: np.ndarray, half: np.uint64, key: tuple[int, ...]) -> np.ndarray:
    low = (np.uint64(1) << half) - np.uint64(1)
    left, right = numbers >> half, numbers & low
    for number in range(ROUNDS):
        left, right = right, left ^ (random_bits(*key, number, right) & low)
    return (left << half) | right
