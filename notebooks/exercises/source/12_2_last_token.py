"""Exercise 12.2: the last token of a text, and not of its row (lesson 12)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def last_token(X, mask):
    """Return the vector of the last token of each text; padding may stand on either side."""
    positions = torch.arange(X.shape[1])
    last = (positions * mask).argmax(dim=1)
    return X[torch.arange(len(X)), last]


def by_loops(X, mask):
    """Text by text, from the end."""
    rows = []
    for vectors, own in zip(X, mask, strict=True):
        t = len(own) - 1
        while not own[t]:
            t -= 1
        rows.append(vectors[t])
    return torch.stack(rows)


def by_flipping(X, mask):
    """The first token of the text read backwards."""
    back = mask.flip(1).to(torch.int64).argmax(dim=1)
    return X.gather(1, (mask.shape[1] - 1 - back)[:, None, None].expand(-1, 1, X.shape[2]))[:, 0]


def by_selecting(X, mask):
    """The tokens of each text, and the last of them."""
    return torch.cat([vectors[own.bool()][-1:] for vectors, own in zip(X, mask, strict=True)])


def cases():
    """Padding behind, before and on both sides of the text, and none."""
    for name, rows in (
        ("padding behind", [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]),
        ("padding before", [[0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]),
        ("no padding", [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        ("on both sides", [[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0]]),
    ):
        mask = torch.tensor(rows)
        yield Case(name, (torch.randn(*mask.shape, 4), mask))


def shown(last_token):
    """Two tokens and padding."""
    X = torch.tensor([[[1.0], [2.0], [3.0]]])
    assert last_token(X, torch.tensor([[1, 1, 0]])).tolist() == [[2.0]]


EXERCISE = Exercise(
    number="12.2",
    title="The last token of a text",
    difficulty="easy",
    minutes=10,
    task=r"""
Some heads read the last token of a text. In a padded batch the last column is padding. Write `last_token(X,
mask)`: from vectors, `[B, n, d]`, and a mask, `[B, n]` (1 for tokens, 0 for padding), it makes the vector of the
last token of each text, `[B, d]`. Padding may stand behind the text, before it, or on both sides; each text has at
least one token.
""",
    solution=last_token,
    cases=cases,
    shown=shown,
    hints=[
        "Where padding stands behind the text, the last token has the position mask.sum() - 1. Where it "
        "stands before the text, that is another position.",
        "Position times mask is largest at the last token.",
    ],
    mistakes=[
        Mistake(
            "the last column",
            [("X[torch.arange(len(X)), last]", "X[:, -1]")],
            "That is the last column, which is padding in short texts: the trap of the lesson.",
        ),
        Mistake(
            "the first token",
            [("X[torch.arange(len(X)), last]", "X[:, 0]")],
            "That is the first token.",
        ),
        Mistake(
            "the number of tokens",
            [("(positions * mask).argmax(dim=1)", "mask.sum(dim=1) - 1")],
            "You count the tokens. That is the last position only where no padding stands before the text.",
        ),
        Mistake(
            "one position too far",
            [
                (
                    "(positions * mask).argmax(dim=1)",
                    "((positions * mask).argmax(dim=1) + 1).clamp(max=X.shape[1] - 1)",
                )
            ],
            "Your position is one too large: it is that of the first padding.",
        ),
        Mistake(
            "one position too early",
            [("(positions * mask).argmax(dim=1)", "((positions * mask).argmax(dim=1) - 1)")],
            "Your position is one too small.",
        ),
        Mistake(
            "the first token that is no padding",
            [("(positions * mask).argmax(dim=1)", "mask.argmax(dim=1)")],
            "You find the first token of the text, not the last.",
        ),
        Mistake(
            "the same position in all texts",
            [("X[torch.arange(len(X)), last]", "X[:, int(last.max())]")],
            "All texts get the position of the longest one. Each has a last token of its own.",
        ),
        Mistake(
            "every text with every position",
            [("X[torch.arange(len(X)), last]", "X[:, last]")],
            "X[:, last] takes all positions from all texts. The rows have to be named, too.",
        ),
        Mistake(
            "the mean of all tokens",
            [
                (
                    "X[torch.arange(len(X)), last]",
                    "(X * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)",
                )
            ],
            "That is the mean of all tokens.",
        ),
        Mistake(
            "an axis of length 1 stays",
            [("X[torch.arange(len(X)), last]", "X[torch.arange(len(X)), last][:, None]")],
            "Your result has one axis too many.",
        ),
    ],
    other_ways=[by_loops, by_flipping, by_selecting],
)
