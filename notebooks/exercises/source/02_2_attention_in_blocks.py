"""Exercise 02.2: attention with running sums, as fused attention computes it (lesson 02, section 8)."""

import math

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def attention_in_blocks(Q, blocks):
    """Return softmax(Q K^T / sqrt(d_h)) V, where the keys and values come in blocks."""
    n, size = Q.shape
    largest = torch.full((n, 1), -math.inf)
    total, weighted = torch.zeros(n, 1), 0
    for K, V in blocks:
        S = Q @ K.T / math.sqrt(size)
        new = torch.maximum(largest, S.amax(dim=1, keepdim=True))
        old = torch.exp(largest - new)
        E = torch.exp(S - new)
        total = total * old + E.sum(dim=1, keepdim=True)
        weighted = weighted * old + E @ V
        largest = new
    return weighted / total


def row_by_row(Q, blocks):
    """One query after the other, with plain numbers for the largest score and the sum."""
    pieces = list(blocks)
    rows = []
    for q in Q:
        top, below, above = -math.inf, 0.0, torch.zeros(pieces[0][1].shape[1])
        for K, V in pieces:
            for key, value in zip(K, V, strict=True):
                score = float(q @ key) / len(q) ** 0.5
                if score > top:
                    shrink = math.exp(top - score)
                    below, above, top = below * shrink, above * shrink, score
                below += math.exp(score - top)
                above = above + math.exp(score - top) * value
        rows.append(above / below)
    return torch.stack(rows)


def by_logarithms(queries, stream):
    """The running sum is kept as its logarithm; the running result is always normalised."""
    result, log_sum = None, None
    for keys, values in stream:
        scores = torch.einsum("nc,mc->nm", queries, keys) * queries.shape[1] ** -0.5
        here = scores.logsumexp(dim=-1)
        own = torch.softmax(scores, dim=-1) @ values
        if result is None:
            result, log_sum = own, here
        else:
            both = torch.logaddexp(log_sum, here)
            result = result * (log_sum - both).exp()[:, None] + own * (here - both).exp()[:, None]
            log_sum = both
    return result


def two_passes(Q, blocks):
    """The largest score is found first, in a walk of its own."""
    blocks = list(blocks)
    scale = 1 / math.sqrt(Q.size(1))
    top = torch.stack([(Q @ K.T).max(dim=1).values * scale for K, _ in blocks]).max(dim=0).values
    above = sum(torch.exp(Q @ K.T * scale - top[:, None]) @ V for K, V in blocks)
    below = sum(torch.exp(Q @ K.T * scale - top[:, None]).sum(dim=1) for K, _ in blocks)
    return above / below[:, None]


def cases():
    """Blocks of one and of several keys, of unequal length, and scores far above 100 and far below -100."""
    for name, sizes, stretch in (
        ("two blocks of 4", (4, 4), 1.0),
        ("blocks of 5, 2 and 1", (5, 2, 1), 2.0),
        ("scores of more than 100 and of less than -100", (3, 3), 60.0),
    ):
        blocks = [(torch.randn(size, 8), torch.randn(size, 5)) for size in sizes]
        Q = stretch * torch.randn(6, 8)
        if stretch > 2:
            # All scores of the first query are large, all scores of the last one far below 0.
            Q[0, 0], Q[-1, 0] = 3000, -3000
            for K, _ in blocks:
                K[:, 0] = 1
        yield Case(name, (Q, blocks))


def shown(attention_in_blocks):
    """Compare with all keys at once."""
    Q, K, V = torch.randn(4, 8), torch.randn(10, 8), torch.randn(10, 3)
    expected = torch.softmax(Q @ K.T / 8**0.5, dim=1) @ V
    found = attention_in_blocks(Q, [(K[:6], V[:6]), (K[6:], V[6:])])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


EXERCISE = Exercise(
    number="02.2",
    title="Attention with running sums",
    difficulty="hard",
    minutes=30,
    task=r"""
Fused attention never holds the whole map. Write `attention_in_blocks(Q, blocks)` that does the same: `Q` is
`[n, d_h]`, `blocks` is a list of pairs `(K, V)` with a few keys `[m, d_h]` and values `[m, c]` each. Return
$\mathrm{softmax}(Q K^\top / \sqrt{d_h}) \, V$ over the keys of all blocks, `[n, c]`.

Go through the blocks and keep for each query a sum of exponentials and a sum of values weighted with exponentials.
A score may be larger than 100, and the exponential of that overflows; all scores of a query may be far below -100,
and then all exponentials are 0. So subtract the largest score seen so far, and correct the two sums whenever a larger
one comes.
""",
    solution=attention_in_blocks,
    cases=cases,
    shown=shown,
    hints=[
        "softmax is exp(s) / sum of exp(s). Both sums can be collected block by block; the division comes "
        "at the end.",
        "The result does not change when the same number is subtracted from all scores of a query.",
        "Where the largest score so far grows from old to new, everything that was summed before has to be "
        "multiplied by "
        "exp(old - new).",
    ],
    mistakes=[
        Mistake(
            "nothing is subtracted",
            [
                ("new = torch.maximum(largest, S.amax(dim=1, keepdim=True))", "new = torch.zeros(n, 1)"),
                ("old = torch.exp(largest - new)", "old = 1"),
            ],
            "Large scores give infinite numbers in your function. What can be subtracted from the scores of "
            "a query without "
            "changing the result?",
        ),
        Mistake(
            "the sums are not corrected",
            [("old = torch.exp(largest - new)", "old = 1")],
            "Each block subtracts another number in your function. What must happen to the sums of the "
            "earlier blocks when "
            "the largest score grows?",
        ),
        Mistake(
            "only the sum of exponentials is corrected",
            [("weighted = weighted * old + E @ V", "weighted = weighted + E @ V")],
            "You correct the sum of exponentials but not the sum of weighted values.",
        ),
        Mistake(
            "only the sum of values is corrected",
            [("total = total * old + E", "total = total + E")],
            "You correct the sum of weighted values but not the sum of exponentials.",
        ),
        Mistake(
            "each block is normalised by itself",
            [
                ("total = total * old + E.sum(dim=1, keepdim=True)", "total = total + 1"),
                ("weighted = weighted * old + E @ V", "weighted = weighted + torch.softmax(S, dim=1) @ V"),
            ],
            "Each block has a softmax of its own in your function, and the results are averaged. A block "
            "with large scores "
            "must weigh more than one with small scores.",
        ),
        Mistake(
            "the last block only",
            [
                ("total = total * old + E", "total = E"),
                ("weighted = weighted * old + E @ V", "weighted = E @ V"),
            ],
            "Your result knows only the last block.",
        ),
        Mistake(
            "the largest score of the block alone",
            [
                ("torch.maximum(largest, S.amax(dim=1, keepdim=True))", "S.amax(dim=1, keepdim=True)"),
                ("torch.exp(largest - new)", "torch.exp(largest - new).clamp(max=1)"),
            ],
            "The number that you subtract may become smaller again. It is the largest of all scores so far.",
        ),
        Mistake(
            "the largest score begins at 0",
            [("torch.full((n, 1), -math.inf)", "torch.zeros(n, 1)")],
            "Your largest score begins with a number that no score has. Where all scores are far below it, all "
            "exponentials are 0. With which number does the search for a maximum begin?",
        ),
        Mistake(
            "no square root",
            [(" / math.sqrt(size)", "")],
            "The scores are divided by the root of the size of a head.",
        ),
        Mistake(
            "the correction has the wrong sign",
            [("torch.exp(largest - new)", "torch.exp(new - largest).nan_to_num(posinf=0.0)")],
            "A larger maximum makes all exponentials smaller, so the factor for the old sums is below 1. "
            "Yours is above.",
        ),
        Mistake(
            "no division at the end",
            [("return weighted / total", "return weighted")],
            "The weights of a query must sum to 1. What is still missing at the end?",
        ),
    ],
    other_ways=[row_by_row, by_logarithms, two_passes],
)
