"""Exercise 05.9: which kernel reaches far enough in a stack of convolutions (lesson 05, section 9)."""

import math

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def smallest_kernel(tokens, layers):
    """Return the smallest odd k with which the layers together reach that far to each side."""
    r = math.ceil(tokens / layers)
    return 2 * r + 1


def by_trying(tokens, layers):
    """One odd number after the other."""
    k = 1
    while layers * (k // 2) < tokens:
        k += 2
    return k


def by_whole_numbers(tokens, layers):
    """Rounding up without a fraction."""
    return 1 + 2 * ((tokens + layers - 1) // layers)


def by_remainder(tokens, layers):
    """One more where something is left."""
    whole, rest = divmod(tokens, layers)
    return 2 * (whole + bool(rest)) + 1


def cases():
    """Reaches that divide evenly and such that do not."""
    for tokens, layers in ((48, 12), (48, 3), (10, 3), (8, 3), (1, 4), (0, 2), (7, 7), (100, 12), (5, 1)):
        yield Case(f"{tokens} tokens in {layers} layers", (tokens, layers))


def shown(smallest_kernel):
    """ConvBERT-base reaches 48 tokens with twelve layers."""
    assert smallest_kernel(48, 12) == 9


EXERCISE = Exercise(
    number="05.9",
    title="A kernel that reaches far enough",
    difficulty="easy",
    minutes=5,
    task=r"""
Layers of convolutions stand on top of each other, each with a window of $k$ tokens. Write `smallest_kernel(tokens,
layers)`: the smallest odd $k$ with which the last layer depends on tokens that are `tokens` positions away, to
each side. `layers` is at least 1.
""",
    solution=smallest_kernel,
    cases=cases,
    shown=shown,
    hints=[
        "A window of k tokens reaches r = (k - 1) / 2 tokens to each side. How far do two layers reach?",
        "A reach of less than what is asked for is not enough: round up.",
    ],
    mistakes=[
        Mistake(
            "rounded down",
            [("math.ceil(tokens / layers)", "tokens // layers")],
            "Your kernel is too small where the numbers do not divide evenly.",
        ),
        Mistake(
            "one more than rounded down",
            [("math.ceil(tokens / layers)", "tokens // layers + 1")],
            "Your kernel is too large where the numbers divide evenly.",
        ),
        Mistake(
            "rounded to the nearest",
            [("math.ceil(tokens / layers)", "round(tokens / layers)")],
            "Rounding to the nearest number is not enough: any part of a token that is left needs one more.",
        ),
        Mistake(
            "the reach in place of the kernel",
            [("return 2 * r + 1", "return r")],
            "What you return is the reach to one side. How many tokens does a window have that reaches r to "
            "each side?",
        ),
        Mistake(
            "the token itself is forgotten",
            [("return 2 * r + 1", "return 2 * r")],
            "Your kernels are even. Which token of the window did you not count?",
        ),
        Mistake(
            "one side only",
            [("return 2 * r + 1", "return r + 1")],
            "Your window reaches to one side only.",
        ),
        Mistake(
            "the whole window in each layer",
            [("math.ceil(tokens / layers)", "math.ceil(tokens / layers / 2)")],
            "A layer adds k // 2 tokens to the reach of each side, not k.",
        ),
        Mistake(
            "the layers are not used",
            [("tokens / layers", "tokens")],
            "Your kernel reaches so far in one layer. What do the other layers add?",
        ),
    ],
    other_ways=[by_trying, by_whole_numbers, by_remainder],
)
