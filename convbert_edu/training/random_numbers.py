"""Random numbers by counter: the number for (seed, step, row, position) is computed from these four, not drawn in turn.

A run that was interrupted, or that is spread over several processes, then meets the same random numbers as one that
was not, because nothing depends on how many numbers were drawn before, or by whom.
"""

from enum import IntEnum

import numpy as np

# Keeps the counters 0, 0, 0 away from the fixed point 0 of the mixing below.
_GOLDEN = 0x9E3779B97F4A7C15
# The constants of the generator "splitmix64".
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
# Of the Feistel network that shuffles.
ROUNDS = 4


class Stream(IntEnum):
    """Independent streams of random numbers: the counter that follows the seed. A new use gets a new number."""

    SEQUENCE_ORDER = 1
    MASKING = 2
    PRETRAINING_DROPOUT = 3
    FINETUNING_DROPOUT = 4
    FINETUNING_MASKING = 5
    DISTILLATION_DROPOUT = 6


class TokenStream(IntEnum):
    """The three random numbers that masking needs for each token: the counter that follows the key of its row."""

    MASKED_POSITION = 0
    REPLACEMENT = 1
    SAMPLED_TOKEN = 2


def random_bits(*counters: int | np.ndarray) -> np.ndarray:
    """Return 64 random bits (uint64) for each combination of `counters`, which broadcast like NumPy arrays.

    Plain numbers alone give an array of one.
    """
    state = np.zeros(1, dtype=np.uint64)
    # Arithmetic modulo 2^64 is meant.
    with np.errstate(over="ignore"):
        for counter in counters:
            state = _mix(state + np.asarray(counter).astype(np.uint64) + np.uint64(_GOLDEN))
    return state


def uniform(*counters: int | np.ndarray) -> np.ndarray:
    """Return a random number from 0 to below 1 (float64) for each combination of `counters`."""
    return (random_bits(*counters) >> np.uint64(11)) * 2.0**-53


def _mix(bits: np.ndarray) -> np.ndarray:
    """Scramble 64 bits, so that a change of one changes each other with probability one half."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(_FIRST)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(_SECOND)
    return bits ^ (bits >> np.uint64(31))


def shuffled(positions: np.ndarray, count: int, *key: int) -> np.ndarray:
    """Return which of the numbers 0 ... count-1 stand at `positions` of their shuffle; each `key` is another shuffle.

    So a hundred million sequences are shuffled without holding their order in memory. It is a Feistel network, as in
    ciphers: the bits of a number are cut in two halves, and in each round one half is scrambled by a function of the
    other. Each round can be undone, so no two numbers meet; and each position can be computed alone. Results past
    `count` go round again until they fall inside.
    """
    half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
    numbers = positions.astype(np.uint64)
    outside = np.ones(len(numbers), dtype=bool)
    while outside.any():
        numbers[outside] = _scramble(numbers[outside], half, key)
        outside = numbers >= count
    return numbers.astype(np.int64)


def _scramble(numbers: np.ndarray, half: np.uint64, key: tuple[int, ...]) -> np.ndarray:
    """Run numbers of 2 * `half` bits through the rounds of the network."""
    low = (np.uint64(1) << half) - np.uint64(1)
    left, right = numbers >> half, numbers & low
    for number in range(ROUNDS):
        left, right = right, left ^ (random_bits(*key, number, right) & low)
    return (left << half) | right
