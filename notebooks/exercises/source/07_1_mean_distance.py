"""Exercise 07.1: how far does a head look? (lesson 07)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def mean_distance(P, mask):
    """Return for each head the mean distance that its tokens look, padding left out."""
    positions = torch.arange(P.shape[-1])
    distance = (positions[:, None] - positions[None, :]).abs()
    of_each_token = (P * distance).sum(dim=-1)
    return (of_each_token * mask).sum(dim=-1) / mask.sum()


def by_loops(P, mask):
    """One head, one token and one other token after the other."""
    result = []
    for head in P:
        total, tokens = 0.0, 0
        for t, row in enumerate(head):
            if mask[t]:
                tokens += 1
                total += sum(float(weight) * abs(t - j) for j, weight in enumerate(row))
        result.append(total / tokens)
    return torch.tensor(result)


def with_selected_rows(maps, mask):
    """The rows of padding are taken out first."""
    n = maps.shape[-1]
    where = torch.arange(n, dtype=torch.float32)
    apart = torch.cdist(where[:, None], where[:, None])
    rows = mask.bool()
    return torch.einsum("htj,tj->ht", maps[:, rows], apart[rows]).mean(dim=1)


def by_distance(P, mask):
    """The weights on each distance are collected, then averaged."""
    n = P.shape[-1]
    rows = P * mask[:, None]
    weight = [
        rows.diagonal(s, 1, 2).sum(dim=1) + (rows.diagonal(-s, 1, 2).sum(dim=1) if s else 0) for s in range(n)
    ]
    return sum(s * w for s, w in enumerate(weight)) / int(mask.sum())


def cases():
    """Texts with and without padding, one and several heads."""
    for heads, n, length in ((1, 4, 4), (3, 6, 4), (2, 7, 1)):
        mask = (torch.arange(n) < length).long()
        scores = (2 * torch.randn(heads, n, n)).masked_fill(mask == 0, torch.finfo(torch.float32).min)
        yield Case(f"{heads} heads, {length} of {n} are tokens", (scores.softmax(dim=-1), mask))


def shown(mean_distance):
    """A head that looks at itself, and one that looks at its right neighbour."""
    P = torch.stack([torch.eye(3), torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])])
    torch.testing.assert_close(mean_distance(P, torch.tensor([1, 1, 1])), torch.tensor([0.0, 2 / 3]))


EXERCISE = Exercise(
    number="07.1",
    title="How far does a head look?",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `mean_distance(P, mask)` for one text. $P$, `[h, n, n]`, are the attention maps of $h$ heads, `mask`, `[n]`,
is 1 for tokens and 0 for padding. For a token $t$ the distance that a head looks is $\sum_j P[t, j] \, |t - j|$.
Return its mean over the tokens, padding left out, for each head: `[h]`. (The maps give padding no weight already;
but padding has rows of its own, which must not count.)
""",
    solution=mean_distance,
    cases=cases,
    shown=shown,
    hints=[
        "A table of all distances |t - j| has the shape of a map.",
        "Multiply, sum over the last axis, and then average over the rows of tokens only.",
    ],
    mistakes=[
        Mistake(
            "padding counts",
            [("(of_each_token * mask).sum(dim=-1) / mask.sum()", "of_each_token.mean(dim=-1)")],
            "Padding has rows of its own. They count in your mean.",
        ),
        Mistake(
            "divided by all positions",
            [("/ mask.sum()", "/ len(mask)")],
            "The rows of padding add nothing to your sum, but you divide by their number, too.",
        ),
        Mistake(
            "the sum and not the mean",
            [(" / mask.sum()", "")],
            "Your number grows with the length of the text: it is a sum over the tokens.",
        ),
        Mistake(
            "the distance has a sign",
            [(".abs()", "")],
            "A look to the left and one to the right cancel each other in your function.",
        ),
        Mistake(
            "the square of the distance",
            [(".abs()", ".square()")],
            "You average the squares of the distances.",
        ),
        Mistake(
            "distances from 1",
            [(".abs()", ".abs() + 1")],
            "How far is a token from itself?",
        ),
        Mistake(
            "the farthest token",
            [
                (
                    "(P * distance).sum(dim=-1)",
                    "distance.gather(1, P.mean(dim=0).argmax(dim=-1, keepdim=True))[:, 0].float()",
                ),
                ("of_each_token * mask", "of_each_token.expand(len(P), -1) * mask"),
            ],
            "You look only at the token with the largest weight. All tokens count, each by its weight.",
        ),
        Mistake(
            "all heads together",
            [("/ mask.sum()", "/ mask.sum() * 0 + (of_each_token * mask).sum() / mask.sum() / len(P)")],
            "Each head has a mean of its own; yours is the mean over all heads.",
        ),
        Mistake(
            "how far tokens are looked at from",
            [("(P * distance).sum(dim=-1)", "(P * distance).sum(dim=-2)")],
            "You sum over the queries. A row is what one token looks at: over which axis do you sum?",
        ),
    ],
    other_ways=[by_loops, with_selected_rows, by_distance],
)
