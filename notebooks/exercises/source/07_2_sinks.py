"""Exercise 07.2: how much attention goes to tokens that say little? (lesson 07)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def share_on_sinks(P, ids, sinks, mask):
    """Return for each head the share of attention that ordinary tokens give to the tokens in `sinks`."""
    is_sink = torch.isin(ids, torch.tensor(sinks))
    ordinary = (mask == 1) & ~is_sink
    given = (P * is_sink).sum(dim=-1)
    return given[:, ordinary].mean(dim=-1)


def by_loops(P, ids, sinks, mask):
    """Row by row, with plain Python."""
    shares = []
    for head in P.tolist():
        given = [
            sum(weight for weight, other in zip(row, ids.tolist(), strict=True) if other in sinks)
            for row, token, real in zip(head, ids.tolist(), mask.tolist(), strict=True)
            if real and token not in sinks
        ]
        shares.append(sum(given) / len(given))
    return torch.tensor(shares)


def with_einsum(maps, ids, sinks, mask):
    """One product with two vectors of zeros and ones."""
    to = sum((ids == token).float() for token in sinks)
    of = mask.float() * (1 - to)
    return torch.einsum("t,htj,j->h", of, maps, to) / of.sum()


def by_selecting(P, ids, sinks, mask):
    """The columns are taken out first, then the rows."""
    columns = [j for j, token in enumerate(ids) if int(token) in sinks]
    rows = [t for t in range(len(ids)) if t not in columns and mask[t]]
    return P[:, :, columns].sum(dim=2)[:, rows].sum(dim=1) / len(rows)


def cases():
    """One and two kinds of sinks, with and without padding."""
    for heads, ids, sinks, length in (
        (2, [101, 7, 8, 102], [101, 102], 4),
        (3, [101, 7, 9, 8, 102, 0, 0], [102], 5),
        (1, [101, 7, 9, 102, 8, 102, 0], [101, 102], 6),
        (2, [5, 6, 7, 5, 0], [5], 4),
    ):
        ids = torch.tensor(ids)
        mask = (torch.arange(len(ids)) < length).long()
        scores = torch.randn(heads, len(ids), len(ids)).masked_fill(mask == 0, torch.finfo(torch.float32).min)
        yield Case(
            f"{heads} heads, ids {ids.tolist()}, sinks {sinks}", (scores.softmax(dim=-1), ids, sinks, mask)
        )


def shown(share_on_sinks):
    """An even map of four tokens, two of which are sinks."""
    P = torch.full((1, 4, 4), 0.25)
    found = share_on_sinks(P, torch.tensor([101, 7, 8, 102]), [101, 102], torch.tensor([1, 1, 1, 1]))
    torch.testing.assert_close(found, torch.tensor([0.5]))


EXERCISE = Exercise(
    number="07.2",
    title="Attention sinks",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `share_on_sinks(P, ids, sinks, mask)` for one text. $P$, `[h, n, n]`, are attention maps; `ids`, `[n]`, the
tokens; `sinks`, a list of ids such as those of `[CLS]` and `[SEP]`; `mask`, `[n]`, is 1 for tokens and 0 for
padding. Return for each head, `[h]`, the share of its attention that an ordinary token gives to sinks, in the mean
over all ordinary tokens: tokens that are neither padding nor sinks themselves.
""",
    solution=share_on_sinks,
    cases=cases,
    shown=shown,
    hints=[
        "Two sets of positions are needed: the columns of sinks and the rows of ordinary tokens.",
        "The weights of a row sum to 1, so the sum of some of its columns is a share.",
    ],
    mistakes=[
        Mistake(
            "the rows of sinks count",
            [(" & ~is_sink", "")],
            "The rows of the sinks themselves count in your mean.",
        ),
        Mistake(
            "the rows of padding count",
            [("(mask == 1) & ~is_sink", "~is_sink")],
            "The rows of padding count in your mean.",
        ),
        Mistake(
            "all rows count",
            [("given[:, ordinary].mean(dim=-1)", "given.mean(dim=-1)")],
            "You average over all rows. Which tokens are ordinary?",
        ),
        Mistake(
            "the mean of the columns",
            [("(P * is_sink).sum(dim=-1)", "(P * is_sink).sum(dim=-1) / is_sink.sum()")],
            "That is the mean weight of one sink. How much do all of them get together?",
        ),
        Mistake(
            "divided by all positions",
            [("given[:, ordinary].mean(dim=-1)", "given[:, ordinary].sum(dim=-1) / len(ids)")],
            "You divide by the number of positions. How many ordinary tokens are there?",
        ),
        Mistake(
            "what sinks give",
            [("(P * is_sink).sum(dim=-1)", "(P * is_sink[:, None]).sum(dim=-2)")],
            "You sum what the sinks give to the tokens. The question is what they get: sinks are columns.",
        ),
        Mistake(
            "only the first sink",
            [("torch.tensor(sinks)", "torch.tensor(sinks[:1])")],
            "There may be more than one kind of sink.",
        ),
        Mistake(
            "the share of the others",
            [("(P * is_sink)", "(P * ~is_sink)")],
            "That is what ordinary tokens get. The question is what sinks get.",
        ),
        Mistake(
            "all heads together",
            [("given[:, ordinary].mean(dim=-1)", "given[:, ordinary].mean().expand(len(P))")],
            "Each head has a share of its own; yours is the mean over all heads.",
        ),
    ],
    other_ways=[by_loops, with_einsum, by_selecting],
)
