"""Exercise 03.3: lightweight convolution, with the same kernel at each position (lesson 03, section 4)."""

import torch
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def lightweight_convolution(V, scores):
    """Return LConv: in each head a sum over a window, weighted by softmax(scores), the same everywhere."""
    n, (h, k) = V.shape[1], scores.shape
    w = torch.softmax(scores, dim=-1)
    heads = functional.pad(V, (0, 0, k // 2, k // 2)).unflatten(-1, (h, -1))
    out = sum(w[:, j, None] * heads[:, j : j + n] for j in range(k))
    return out.flatten(2)


def with_conv1d(V, scores):
    """A depthwise convolution of PyTorch, whose filters are repeated within a head."""
    a, (h, k) = V.shape[-1], scores.shape
    filters = scores.softmax(-1).repeat_interleave(a // h, dim=0)[:, None]
    return functional.conv1d(V.mT, filters, padding=k // 2, groups=a).mT


def by_loops(V, scores):
    """Token by token and neighbour by neighbour; weights outside of the text are lost."""
    (h, k), n = scores.shape, V.shape[1]
    weights = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
    weights = weights.repeat_interleave(V.shape[2] // h, dim=0)
    result = torch.zeros_like(V)
    for t in range(n):
        for j in range(k):
            if 0 <= t + j - k // 2 < n:
                result[:, t] += weights[:, j] * V[:, t + j - k // 2]
    return result


def as_a_map(values, scores):
    """The kernels as a band of a matrix, one for each head."""
    B, n, a = values.shape
    h, k = scores.shape
    offset = torch.arange(n)[None, :] - torch.arange(n)[:, None] + k // 2
    inside = (offset >= 0) & (offset < k)
    band = torch.softmax(scores, dim=1)[:, offset.clamp(0, k - 1)] * inside
    return torch.einsum("htj,bjhc->bthc", band, values.reshape(B, n, h, a // h)).reshape(B, n, a)


def cases():
    """Windows of three sizes, one and several heads; texts that are longer and shorter than the window."""
    for B, n, h, k in ((2, 7, 1, 3), (1, 9, 2, 5), (2, 4, 3, 9)):
        yield Case(f"h = {h}, k = {k}, {B} texts of {n} tokens", (torch.randn(B, n, 12), torch.randn(h, k)))


def shown(lightweight_convolution):
    """Equal scores make a moving average."""
    V = torch.tensor([[[3.0], [6.0], [9.0], [0.0]]])
    out = lightweight_convolution(V, torch.zeros(1, 3))
    torch.testing.assert_close(out, torch.tensor([[[3.0], [6.0], [5.0], [3.0]]]))


EXERCISE = Exercise(
    number="03.3",
    title="Lightweight convolution",
    difficulty="medium",
    minutes=20,
    task=r"""
Write `lightweight_convolution(V, scores)`. $V$ is `[B, n, a]`; `scores`, `[h, k]`, has $k$ numbers for each head.
The kernel of a head is the softmax of its scores, the same at each position of the text:

$$\mathrm{out}[t] = \sum_j w[j] \, V[t + j - r], \qquad w = \mathrm{softmax}(\mathrm{scores}),
\quad r = \lfloor k / 2 \rfloor$$

Head 0 has the first $a / h$ channels, and so on. Outside of the text $V$ is zero. Return `[B, n, a]`.
""",
    solution=lightweight_convolution,
    cases=cases,
    shown=shown,
    hints=[
        "Normalise the scores first: one kernel for each head, whose k weights sum to 1.",
        "Pad the text with r rows of zeros on both sides; neighbour j of all tokens is then a slice of n "
        "rows.",
        "unflatten gives the heads an axis, [B, n, h, a / h]; the weight of neighbour j is [h, 1].",
    ],
    mistakes=[
        Mistake(
            "no softmax",
            [("torch.softmax(scores, dim=-1)", "scores")],
            "Your kernels do not sum to 1. What makes weights of scores?",
        ),
        Mistake(
            "softmax over the heads",
            [("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=0)")],
            "Your weights sum to 1 over the heads. Each kernel should sum to 1 by itself.",
        ),
        Mistake(
            "the kernel is turned round",
            [("w[:, j, None]", "w[:, k - 1 - j, None]")],
            "Your kernel runs backwards: its first weight belongs to the first token of the window.",
        ),
        Mistake(
            "the window begins at the token",
            [("(0, 0, k // 2, k // 2)", "(0, 0, 0, k - 1)")],
            "The window of a token should reach equally far to both sides.",
        ),
        Mistake(
            "the window ends at the token",
            [("(0, 0, k // 2, k // 2)", "(0, 0, k - 1, 0)")],
            "Your window holds only the token and those before it.",
        ),
        Mistake(
            "the heads are interleaved",
            [
                (".unflatten(-1, (h, -1))", ".unflatten(-1, (-1, h)).transpose(-1, -2)"),
                ("out.flatten(2)", "out.transpose(-1, -2).flatten(2)"),
            ],
            "Head 0 has the first a / h channels in a row; yours has every h-th one.",
        ),
        Mistake(
            "one kernel for all heads",
            [("w[:, j, None]", "w[:1, j, None]")],
            "All heads use the kernel of head 0 in your function.",
        ),
        Mistake(
            "the ends are repeated",
            [
                (
                    "functional.pad(V, (0, 0, k // 2, k // 2))",
                    "functional.pad(V.mT, (k // 2, k // 2), mode='replicate').mT",
                )
            ],
            "Outside of the text V is zero; yours repeats the first and the last token.",
        ),
        Mistake(
            "the weights inside of the text sum to 1",
            [
                (
                    "return out.flatten(2)",
                    "inside = functional.pad(torch.ones(1, n, 1, 1), (0, 0, 0, 0, k // 2, k // 2))\n"
                    "    return (out / sum(w[:, j, None] * inside[:, j : j + n] for j in "
                    "range(k))).flatten(2)",
                )
            ],
            "At the ends of the text your weights are made larger again. Weights that meet zeros are simply "
            "lost.",
        ),
        Mistake(
            "the last neighbour is left out",
            [("for j in range(k))", "for j in range(k - 1))")],
            "A window has k tokens. How many terms does your sum have?",
        ),
    ],
    other_ways=[with_conv1d, by_loops, as_a_map],
)
