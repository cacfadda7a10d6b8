"""Exercise 14.2: Amdahl's law (lesson 14, sections 3 and 9)."""

import math

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def speed_up(seconds, factors):
    """Return how many times as fast the whole becomes where some of its parts become faster or slower."""
    before = sum(seconds.values())
    after = sum(time / factors.get(part, 1) for part, time in seconds.items())
    return before / after


def by_loops(seconds, factors):
    """Part by part."""
    old = new = 0.0
    for part in seconds:
        old += seconds[part]
        if part in factors:
            new += seconds[part] / factors[part]
        else:
            new += seconds[part]
    return old / new


def with_shares(seconds, factors):
    """Shares of the time first, as in the lesson's bars."""
    whole = sum(seconds.values())
    shares = {part: time / whole for part, time in seconds.items()}
    saved = sum(shares[part] * (1 - 1 / factor) for part, factor in factors.items())
    return 1 / (1 - saved)


def with_means(seconds, factors):
    """The harmonic mean of the factors, weighted by time."""
    parts = list(seconds)
    weights = [seconds[part] for part in parts]
    slowness = [1 / factors[part] if part in factors else 1.0 for part in parts]
    return math.fsum(weights) / math.fsum(w * s for w, s in zip(weights, slowness, strict=True))


def cases():
    """One part and several, a part that becomes slower, a limit, and nothing at all."""
    base = {"matrix products": 80.0, "attention": 6.0, "norms": 5.0, "rest": 9.0}
    yield Case("matrix products four times as fast", (base, {"matrix products": 4}))
    yield Case("matrix products without limit", (base, {"matrix products": float("inf")}))
    yield Case("two parts", ({"a": 1.0, "b": 2.0, "c": 0.5}, {"a": 2, "c": 5}))
    yield Case("a part becomes slower", ({"a": 3.0, "b": 1.0}, {"a": 6, "b": 0.5}))
    yield Case("all parts alike", ({"a": 2.0, "b": 6.0}, {"a": 3, "b": 3}))
    yield Case("nothing changes", ({"a": 2.0, "b": 6.0}, {}))


def shown(speed_up):
    """Half of the time becomes twice as fast: four thirds."""
    assert abs(speed_up({"products": 2.0, "rest": 2.0}, {"products": 2}) - 4 / 3) < 1e-9


EXERCISE = Exercise(
    number="14.2",
    title="Amdahl's law",
    difficulty="easy",
    minutes=10,
    task=r"""
With bfloat16 the matrix products become several times as fast, and the whole model does not. Write
`speed_up(seconds, factors)`. `seconds` says how long each part of a forward pass takes, such as `{"matrix products":
0.08, "rest": 0.02}`. `factors` says how many times as fast some of the parts become; parts that are not in it stay as
they are, a factor below 1 makes a part slower, and `float("inf")` lets it take no time at all. Return how many times
as fast the whole becomes: the time before, divided by the time after.
""",
    solution=speed_up,
    cases=cases,
    shown=shown,
    hints=[
        "How long does each part take afterwards?",
        "Add up the times before, add up the times after, and divide.",
    ],
    mistakes=[
        Mistake(
            "the mean of the factors, weighted by time",
            [("time / factors", "time * factors"), ("before / after", "after / before")],
            "You average the factors. A part that is ten times as fast takes a tenth of its time; it does not "
            "save ten times as much.",
        ),
        Mistake(
            "the plain mean of the factors",
            [("before / after", "sum(factors.get(part, 1) for part in seconds) / len(seconds)")],
            "You average the factors, and the seconds do not matter in your function.",
        ),
        Mistake(
            "the product of the factors",
            [("before / after", "math.prod(factors.values())")],
            "You multiply the factors. Each of them concerns one part of the time only.",
        ),
        Mistake(
            "the largest factor",
            [("before / after", "max([1, *factors.values()])")],
            "One part becomes that much faster, but the others take their time, too.",
        ),
        Mistake(
            "parts without a factor take no time",
            [("factors.get(part, 1)", "factors.get(part, math.inf)")],
            "A part that is not in factors stays as it was; in your sum it is missing.",
        ),
        Mistake(
            "the time afterwards",
            [("before / after", "after")],
            "You return the time afterwards. How many times as fast is that?",
        ),
        Mistake(
            "the share of the time that is left",
            [("before / after", "after / before")],
            "Your number becomes smaller when the model becomes faster. It is the wrong way round.",
        ),
        Mistake(
            "the share of the time that is saved",
            [("before / after", "1 - after / before")],
            "That is the share of the time which is saved.",
        ),
        Mistake(
            "the seconds that are saved",
            [("before / after", "before - after")],
            "You return the seconds that are saved. A ratio is asked for.",
        ),
        Mistake(
            "the seconds taken for shares",
            [("before / after", "1 / after")],
            "Your formula is right for shares that sum to 1. The seconds need not.",
        ),
        Mistake(
            "no part becomes slower",
            [("factors.get(part, 1)", "max(1, factors.get(part, 1))")],
            "A factor below 1 makes a part slower. In your function it stays as it was.",
        ),
    ],
    other_ways=[by_loops, with_shares, with_means],
)
