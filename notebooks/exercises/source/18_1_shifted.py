"""Exercise 18.1: a text moved to the right, which lesson 18 builds in section 1."""

import torch
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def shifted(Y, j):  # Y[t - j] at position t, and zeros before the beginning; Y [B, n, ...]
    before = Y.new_zeros(Y.shape[0], j, *Y.shape[2:])
    return torch.cat([before, Y], dim=1)[:, : Y.shape[1]]


def with_padding(Y, j):
    """The function of PyTorch for padding, which names the last axis first."""
    return functional.pad(Y, [0, 0] * (Y.dim() - 2) + [j, 0])[:, : Y.shape[1]]


def by_writing(values, offset):
    """Zeros of the same shape, into which the text is written further to the right."""
    out = torch.zeros_like(values)
    out[:, offset:] = values[:, : max(values.shape[1] - offset, 0)]
    return out


def by_loops(Y, j):
    """One position after the other."""
    nothing = torch.zeros_like(Y[:, 0])
    return torch.stack([Y[:, t - j] if t >= j else nothing for t in range(Y.shape[1])], dim=1)


def with_a_matrix(Y, j):
    """A matrix with ones below its diagonal, multiplied with the text by einsum."""
    n = Y.shape[1]
    moves = (torch.arange(n)[:, None] - torch.arange(n) == j).to(Y.dtype)
    return torch.einsum("ts,bs...->bt...", moves, Y)


def cases():
    """Vectors, token ids and heads; no shift, and one that is longer than the text."""
    yield Case("two texts of 5 tokens, j = 2", (torch.randn(2, 5, 3), 2))
    yield Case("j = 0", (torch.randn(2, 4, 3), 0))
    yield Case("j = 5 in a text of 3 tokens", (torch.randn(1, 3, 4), 5))
    yield Case("token ids, j = 1", (torch.randint(1, 90, (3, 6)), 1))
    yield Case("each head on an axis of its own, j = 3", (torch.randn(2, 6, 2, 3), 3))


def shown(shifted):
    """The text of section 1, one channel wide."""
    Y = torch.tensor([6.0, 0.0, 12.0]).reshape(1, 3, 1)
    assert shifted(Y, 0).flatten().tolist() == [6, 0, 12]
    assert shifted(Y, 1).flatten().tolist() == [0, 6, 0]
    assert shifted(Y, 2).flatten().tolist() == [0, 0, 6]


EXERCISE = Exercise(
    number="18.1",
    title="A text moved to the right",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `shifted(Y, j)`, of which a causal convolution is made. $Y$ is `[B, n, ...]`: vectors `[B, n, d]`, token ids
`[B, n]`, or heads `[B, n, h, d_h]`. Return a tensor of the same shape and dtype that holds $Y[t - j]$ at position $t$,
and zeros at the first $j$ positions, before which there is no token. $j$ is 0 or more, and may be larger than $n$.
""",
    solution=shifted,
    cases=cases,
    shown=shown,
    hints=[
        "Put j zeros before each text. The text is then too long: which end has to go?",
        "The zeros have the shape of Y, but with j positions on axis 1. Y.new_zeros makes them in the dtype of Y.",
        "torch.cat joins the zeros and Y along axis 1; a slice keeps the first n positions.",
    ],
    mistakes=[
        Mistake(
            "moved to the left",
            [("[before, Y], dim=1)[:, : Y.shape[1]]", "[Y, before], dim=1)[:, j:]")],
            "Position t now holds a later token, Y[t + j]: the convolution would look ahead.",
        ),
        Mistake(
            "the text becomes longer",
            [("[:, : Y.shape[1]]", "")],
            "Your result has n + j positions. The last j tokens must go.",
        ),
        Mistake(
            "the wrong end is cut off",
            [("[:, : Y.shape[1]]", "[:, j:]")],
            "You cut off the zeros that you have just put there, and nothing has moved. Keep the first n positions.",
        ),
        Mistake(
            "the end wraps around",
            [("torch.cat([before, Y], dim=1)[:, : Y.shape[1]]", "Y.roll(j, dims=1)")],
            "The end of the text comes back at its beginning, so that the first tokens see the last ones.",
        ),
        Mistake(
            "the first token is repeated",
            [("Y.new_zeros(Y.shape[0], j, *Y.shape[2:])", "Y[:, :1].repeat_interleave(j, dim=1)")],
            "Before the beginning there are zeros, and no copies of the first token.",
        ),
        Mistake(
            "one position too far",
            [("Y.shape[0], j, *", "Y.shape[0], j + 1, *")],
            "Your text has moved by one position too many: with j = 0 it must stay where it is.",
        ),
        Mistake(
            "one position too few",
            [("Y.shape[0], j, *", "Y.shape[0], max(j - 1, 0), *")],
            "Your text has moved by one position too few: with j = 1 position t holds the token before it.",
        ),
        Mistake(
            "the texts are moved and not their tokens",
            [
                ("Y.new_zeros(Y.shape[0], j, *Y.shape[2:])", "Y.new_zeros(j, *Y.shape[1:])"),
                ("dim=1)[:, : Y.shape[1]]", "dim=0)[: Y.shape[0]]"),
            ],
            "You move along axis 0, where the texts of the batch stand. The tokens stand along axis 1.",
        ),
        Mistake(
            "the channels are moved",
            [
                ("Y.new_zeros(Y.shape[0], j, *Y.shape[2:])", "Y.new_zeros(*Y.shape[:-1], j)"),
                ("dim=1)[:, : Y.shape[1]]", "dim=-1)[..., : Y.shape[-1]]"),
            ],
            "You move along the last axis, which holds the channels of a vector. The tokens stand along axis 1.",
        ),
        Mistake(
            "the zeros are missing",
            [("torch.cat([before, Y], dim=1)[:, : Y.shape[1]]", "Y[:, : max(Y.shape[1] - j, 0)]")],
            "Your result has lost j positions. Zeros belong in the first j.",
        ),
        Mistake(
            "only vectors",
            [("Y.new_zeros(Y.shape[0], j, *Y.shape[2:])", "Y.new_zeros(Y.shape[0], j, Y.shape[2])")],
            "Y has three axes where it holds vectors. Token ids have two, and heads four.",
        ),
        Mistake(
            "token ids become floating-point numbers",
            [("Y.new_zeros(", "torch.zeros(")],
            "The zeros of torch.zeros are float32, and make whole numbers into such. They need the dtype of Y.",
        ),
    ],
    other_ways=[with_padding, by_writing, by_loops, with_a_matrix],
)
