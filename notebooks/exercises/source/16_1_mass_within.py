"""Exercise 16.1: how much of its attention a head keeps near (lesson 16, section 2)."""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def mass_within(P, k, counted):
    """Return for each head the mean share of attention within a window of k tokens."""
    positions = torch.arange(P.shape[-1])
    near = (positions[:, None] - positions).abs() <= k // 2
    of_each_token = (P * near).sum(dim=-1)
    return (of_each_token * counted).sum(dim=-1) / counted.sum()


def by_loops(P, k, counted):
    """Head by head and token by token."""
    result = []
    for head in P:
        masses = []
        for t in range(len(head)):
            if counted[t]:
                first = max(0, t - k // 2)
                masses.append(float(head[t, first : t + k // 2 + 1].sum()))
        result.append(sum(masses) / len(masses))
    return torch.tensor(result)


def by_offsets(P, k, counted):
    """One diagonal for each offset, as in the profile of the lesson."""
    rows = P * counted[:, None]
    reach = range(-(k // 2), k // 2 + 1)
    found = [
        rows.diagonal(offset, dim1=1, dim2=2).sum(dim=1) for offset in reach if abs(offset) < len(counted)
    ]
    return torch.stack(found).sum(dim=0) / int(counted.sum())


def with_a_band(maps, k, counted):
    """A band around the diagonal is cut out of a matrix of ones."""
    r, n = (k - 1) // 2, maps.shape[-1]
    band = torch.ones(n, n).triu(-r) * torch.ones(n, n).tril(r)
    rows = counted.nonzero().flatten()
    return torch.einsum("htj,tj->ht", maps[:, rows], band[rows]).mean(dim=1)


def cases():
    """Windows of several sizes, a text that is shorter than its window, special tokens that do not count."""
    for heads, n, k in ((2, 8, 3), (3, 12, 9), (2, 6, 1), (1, 4, 9), (4, 9, 5)):
        counted = torch.ones(n, dtype=torch.long)
        counted[0] = counted[-1] = 0
        yield Case(
            f"{heads} heads, {n} tokens, k = {k}",
            ((2 * torch.randn(heads, n, n)).softmax(dim=-1), k, counted),
        )


def shown(mass_within):
    """A head that looks at the next token, and one that looks at all five alike."""
    P = torch.stack([torch.eye(5).roll(1, dims=1), torch.full((5, 5), 0.2)])
    found = mass_within(P, 3, torch.tensor([0, 1, 1, 1, 0]))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.6]))


EXERCISE = Exercise(
    number="16.1",
    title="How local is a head?",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `mass_within(P, k, counted)` for one text. $P$, `[h, n, n]`, are the attention maps of $h$ heads. For a token $t$,
the mass within the window is the sum of the weights $P[t, j]$ over the $k$ positions $j$ around it, from $t - r$ to
$t + r$ with $r$ = `k // 2` ($k$ is odd); positions outside the text count as 0. `counted`, `[n]`, is 1 for the tokens
over which the mean is taken and 0 for the others, here `[CLS]` and `[SEP]`; as positions $j$ these others count like
any. Return the mean for each head: `[h]`.
""",
    solution=mass_within,
    cases=cases,
    shown=shown,
    hints=[
        "A table [n, n] says which positions are near each other: |t - j| is at most r.",
        "Multiply a map by this table and sum over the last axis; then take the mean over the rows that count.",
    ],
    mistakes=[
        Mistake(
            "the window ends too early",
            [("<= k // 2", "< k // 2")],
            "Your window has k - 2 positions. The r-th neighbour on each side belongs to it.",
        ),
        Mistake(
            "the window reaches k tokens to each side",
            [("<= k // 2", "<= k")],
            "k is the size of the whole window; to each side it reaches k // 2 tokens.",
        ),
        Mistake(
            "only the left side has an end",
            [(".abs()", "")],
            "Your window has no end on one side. The distance has no sign.",
        ),
        Mistake(
            "the token itself is left out",
            [("(P * near)", "(P * near * (positions[:, None] != positions))")],
            "The token itself lies in its window, too.",
        ),
        Mistake(
            "the mean within the window",
            [("(P * near).sum(dim=-1)", "(P * near).sum(dim=-1) / k")],
            "You divide by the size of the window. The share of the whole attention is asked for.",
        ),
        Mistake(
            "corrected at the ends",
            [("(P * near).sum(dim=-1)", "(P * near).sum(dim=-1) / near.sum(dim=-1) * k")],
            "Your rows near the ends are made larger, because some of their neighbours do not exist. These count as 0.",
        ),
        Mistake(
            "all rows count",
            [("(of_each_token * counted).sum(dim=-1) / counted.sum()", "of_each_token.mean(dim=-1)")],
            "The rows of [CLS] and [SEP] are in your mean.",
        ),
        Mistake(
            "divided by all tokens",
            [("/ counted.sum()", "/ len(counted)")],
            "You add up the right rows, and divide by the number of all tokens.",
        ),
        Mistake(
            "what goes to special tokens is left out",
            [("(P * near)", "(P * near * counted)")],
            "Attention to [CLS] and [SEP] counts like any where they lie in the window; only their rows do not.",
        ),
        Mistake(
            "summed over the queries",
            [("(P * near).sum(dim=-1)", "(P * near).sum(dim=-2)")],
            "You sum over the queries: how much a token gets from its neighbours. A row is what it gives.",
        ),
        Mistake(
            "the sum over the tokens",
            [(" / counted.sum()", "")],
            "Your number grows with the length of the text: it is a sum over the tokens and no mean.",
        ),
        Mistake(
            "what lies outside of the window",
            [("<= k // 2", "> k // 2")],
            "That is the share which the head gives to tokens outside of the window.",
        ),
    ],
    other_ways=[by_loops, by_offsets, with_a_band],
)
