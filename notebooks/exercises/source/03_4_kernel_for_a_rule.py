"""Exercise 03.4: a kernel for a given rule (lesson 03, sections 2 and 4)."""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def kernel_for(k, offsets):
    """Return the k weights with which out[t] is the mean of the tokens t + offset."""
    r = k // 2
    for offset in offsets:
        if not -r <= offset <= r:
            raise ValueError(f"offset {offset} is outside of a window that reaches {r} to each side")
    return [offsets.count(j - r) / len(offsets) for j in range(k)]


def by_adding(k, offsets):
    """Each offset adds its share in its place."""
    weights = [0.0] * k
    for offset in offsets:
        place = offset + (k - 1) // 2
        if place < 0 or place >= k:
            raise ValueError("not in the window")
        weights[place] += 1 / len(offsets)
    return weights


def by_a_table(k, offsets):
    """A dictionary from offsets to weights, read from left to right."""
    window = dict.fromkeys(range(-(k // 2), k // 2 + 1), 0)
    for offset in offsets:
        if offset not in window:
            raise ValueError(offset)
        window[offset] += 1
    return [count / sum(window.values()) for count in window.values()]


def by_sets(k, offsets):
    """Which places are hit, and how often."""
    places = [offset + k // 2 for offset in offsets]
    if set(places) - set(range(k)):
        raise ValueError("some offsets are out of reach")
    return [sum(place == j for place in places) / len(places) for j in range(k)]


def cases():
    """Copying, means, an offset that counts twice, and one that is out of reach."""
    for name, k, offsets in (
        ("copy the token to the right", 5, [1]),
        ("copy the token two to the left", 7, [-2]),
        ("the mean of both neighbours", 3, [-1, 1]),
        ("the token counts twice, its right neighbour once", 5, [0, 0, 1]),
        ("the token itself", 1, [0]),
        ("the edge of the window", 5, [2, -2]),
        ("one position too far", 5, [3]),
        ("one position too far to the left", 5, [0, -3]),
    ):
        yield Case(name, (k, offsets))


def shown(kernel_for):
    """Copy the left neighbour."""
    assert kernel_for(3, [-1]) == [1.0, 0.0, 0.0]


EXERCISE = Exercise(
    number="03.4",
    title="A kernel for a given rule",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `kernel_for(k, offsets)`. It returns the $k$ weights, as a list, with which a convolution $\mathrm{out}[t] =
\sum_j w[j] \, V[t + j - r]$ gives the mean of $V[t + \mathrm{offset}]$ over a list of offsets. With `[1]` every
token gets its right neighbour; with `[0, 0, 1]` the token itself counts twice and its right neighbour once. $k$ is
odd.

Raise `ValueError` for an offset that the window does not reach. (Its message is yours.)
""",
    solution=kernel_for,
    cases=cases,
    shown=shown,
    hints=[
        "Which j belongs to the token itself? There t + j - r is t.",
        "The weights must sum to 1, also where an offset stands in the list twice.",
    ],
    mistakes=[
        Mistake(
            "left and right are exchanged",
            [("offsets.count(j - r)", "offsets.count(r - j)")],
            "Your kernel copies from the wrong side. In the sum, a larger j is a token further to the right.",
        ),
        Mistake(
            "one position off to the right",
            [("offsets.count(j - r)", "offsets.count(j - r - 1)")],
            "Your kernel is off by one: with the offset 0 the middle weight should be 1.",
        ),
        Mistake(
            "one position off to the left",
            [("offsets.count(j - r)", "offsets.count(j - r + 1)")],
            "Your kernel is one position too far to the left: with the offset 0 the middle weight should be "
            "1.",
        ),
        Mistake(
            "a sum and not a mean",
            [(" / len(offsets)", " / 1")],
            "Your weights give the sum of the tokens. For a mean they sum to 1.",
        ),
        Mistake(
            "divided by the window",
            [(" / len(offsets)", " / k")],
            "Your weights are divided by the size of the window. How many tokens are averaged?",
        ),
        Mistake(
            "an offset counts only once",
            [("offsets.count(j - r)", "int(j - r in offsets)")],
            "An offset that stands in the list twice counts twice.",
        ),
        Mistake(
            "each offset once, and a mean of those",
            [("offsets.count(j - r) / len(offsets)", "int(j - r in offsets) / len(set(offsets))")],
            "Your weights sum to 1, but an offset that stands in the list twice should weigh twice as much.",
        ),
        Mistake(
            "the reach is not checked",
            [("if not -r <= offset <= r:", "if False:")],
            "An offset outside of the window has no weight. The caller should hear of it.",
        ),
        Mistake(
            "only the right side is checked",
            [("-r <= offset <= r", "offset <= r")],
            "An offset may also be too far to the left.",
        ),
        Mistake(
            "the edge is refused",
            [("-r <= offset <= r", "-r < offset < r")],
            "The window reaches r tokens to each side, the r-th included.",
        ),
    ],
    other_ways=[by_adding, by_a_table, by_sets],
)
