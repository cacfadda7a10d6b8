"""Exercise 02.3: scores that know the distance of two tokens (lesson 02, section 4)."""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def subtract_distance(S, slopes):
    """Return the scores minus slope times distance, with a slope for each head."""
    positions = torch.arange(S.shape[-1])
    distance = (positions[:, None] - positions[None, :]).abs()
    return S - torch.tensor(slopes)[:, None, None] * distance


def by_loops(S, slopes):
    """One head, one query and one key after the other."""
    result = S.clone()
    for head, slope in enumerate(slopes):
        for t in range(S.shape[-2]):
            for j in range(S.shape[-1]):
                result[:, head, t, j] = S[:, head, t, j] - slope * abs(t - j)
    return result


def by_diagonals(scores, slopes):
    """Each diagonal has one distance."""
    n = scores.size(-1)
    penalty = torch.zeros(n, n)
    for distance in range(1, n):
        ones = torch.ones(n - distance)
        penalty = penalty + distance * (torch.diag(ones, distance) + torch.diag(ones, -distance))
    return torch.stack([scores[:, h] - slopes[h] * penalty for h in range(len(slopes))], dim=1)


def by_cdist(S, slopes):
    """The distance of two numbers is a norm."""
    places = torch.arange(float(S.shape[-1]))[:, None]
    return S - torch.einsum("h,tj->htj", torch.as_tensor(slopes), torch.cdist(places, places, p=1.0))


def cases():
    """One and several heads and texts; slopes of both signs."""
    for B, n, slopes in ((1, 5, [1.0]), (2, 7, [0.5, 0.25, 2.0]), (3, 4, [1.0, -0.5])):
        yield Case(f"{B} texts of {n} tokens, slopes {slopes}", (torch.randn(B, len(slopes), n, n), slopes))


def shown(subtract_distance):
    """Scores of 0 show the penalty alone."""
    S = subtract_distance(torch.zeros(1, 1, 3, 3), [0.5])
    assert (-S[0, 0]).tolist() == [[0.0, 0.5, 1.0], [0.5, 0.0, 0.5], [1.0, 0.5, 0.0]]


EXERCISE = Exercise(
    number="02.3",
    title="A sense of distance",
    difficulty="easy",
    minutes=10,
    task=r"""
Scores know nothing of distance. Write `subtract_distance(S, slopes)`: from the scores $S$, `[B, h, n, n]`, and a
list of $h$ slopes, one for each head, it makes $S[t, j] - \mathrm{slope} \cdot |t - j|$, of the same shape. The
scores that were handed in must stay as they were.
""",
    solution=subtract_distance,
    cases=cases,
    shown=shown,
    hints=[
        "torch.arange(n)[:, None] - torch.arange(n)[None, :] is a table of all differences t - j.",
        "The slopes belong to axis 1 of the scores: give them two more axes after it.",
    ],
    mistakes=[
        Mistake(
            "the distance is added",
            [("return S - ", "return S + ")],
            "Far tokens get higher scores in your function. They should get lower ones.",
        ),
        Mistake(
            "the distance has a sign",
            [(".abs()", "")],
            "One side gets a penalty and the other a bonus in your function. A distance is never negative.",
        ),
        Mistake(
            "the square of the distance",
            [(".abs()", ".square()")],
            "Your penalty grows with the square of the distance.",
        ),
        Mistake(
            "distances begin at 1",
            [(".abs()", ".abs() + 1")],
            "How far is a token from itself?",
        ),
        Mistake(
            "only tokens before count",
            [(".abs()", ".clamp(min=0)")],
            "Only one side gets a penalty in your function. Both directions count.",
        ),
        Mistake(
            "the first slope serves all heads",
            [("torch.tensor(slopes)[:, None, None]", "slopes[0]")],
            "All heads use the same slope in your function.",
        ),
        Mistake(
            "the slopes in reverse",
            [("torch.tensor(slopes)[:", "torch.tensor(slopes[::-1])[:")],
            "Head 0 has the first slope.",
        ),
        Mistake(
            "the scores are multiplied",
            [
                (
                    "return S - torch.tensor(slopes)[:, None, None] * distance",
                    "return S * (1 - torch.tensor(slopes)[:, None, None] * distance)",
                )
            ],
            "The penalty is subtracted from the scores; yours multiplies them.",
        ),
        Mistake(
            "the input is changed",
            [
                (
                    "return S - torch.tensor(slopes)[:, None, None] * distance",
                    "S -= torch.tensor(slopes)[:, None, None] * distance\n    return S",
                )
            ],
            "S -= ... writes into the tensor of the caller. Make a new one.",
        ),
        Mistake(
            "the distance to the first token",
            [("(positions[:, None] - positions[None, :]).abs()", "positions.expand(len(positions), -1)")],
            "Your penalty depends on the key alone. The distance is between query and key.",
        ),
    ],
    other_ways=[by_loops, by_diagonals, by_cdist],
)
