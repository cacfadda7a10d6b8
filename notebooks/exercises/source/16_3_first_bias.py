"""Exercise 16.3: the kernels with which a converted BERT begins (lesson 16, section 3)."""

import math

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def first_bias(p):
    """Return the bias of the kernel layer with which each kernel begins as the profile of its head."""
    smallest = torch.finfo(p.dtype).tiny
    return p.clamp(min=smallest).log().flatten()


def with_normalised_rows(p):
    """The profile is made to sum to 1 first; that only adds a number to each row."""
    kernels = (p + 1e-9) / (p + 1e-9).sum(dim=1, keepdim=True)
    return torch.log(kernels).reshape(-1)


def by_loops(p):
    """Weight by weight; a weight of 0 gets a large negative number."""
    return torch.tensor([math.log(weight) if weight > 0 else -60.0 for row in p.tolist() for weight in row])


def with_the_largest_at_zero(p):
    """The largest bias of a head is 0."""
    return torch.cat([torch.log(row / row.max()).nan_to_num(neginf=-80.0) for row in p])


def observe(first_bias, p):
    """The kernels that a softmax makes of the bias; a number that is added to all weights of a head changes nothing."""
    bias = first_bias(p.clone())
    seen = {"the sizes of the bias": list(bias.shape)}
    if bias.numel() == p.numel():
        seen["all numbers of the bias are finite"] = bool(torch.isfinite(bias).all())
        kernels = bias.reshape(p.shape).softmax(dim=-1)
        seen["the kernels after the softmax"] = [[round(w, 4) for w in row] for row in kernels.tolist()]
    return seen


def cases():
    """Profiles of several heads, which sum to less than 1; one with a weight of 0."""
    yield Case("the lesson's profile", (torch.tensor([[0.2, 0.1, 0.3]]),))
    yield Case("two heads", (torch.tensor([[0.05, 0.7, 0.05], [0.02, 0.1, 0.4]]),))
    yield Case("a neighbour that is never looked at", (torch.tensor([[0.0, 0.25, 0.25, 0.1, 0.05]]),))
    yield Case("three heads, k = 9", (0.6 * (2 * torch.randn(3, 9)).softmax(dim=-1),))


def shown(first_bias):
    """A head that gives 0.3 of its attention to the left, and 0.1 to the right."""
    bias = first_bias(torch.tensor([[0.3, 0.2, 0.1]]))
    torch.testing.assert_close(bias.softmax(dim=0), torch.tensor([1 / 2, 1 / 3, 1 / 6]))


EXERCISE = Exercise(
    number="16.3",
    title="The first kernel",
    difficulty="easy",
    minutes=10,
    task=r"""
At the beginning the matrix $W_f$ of a converted layer is 0, so that its kernels are the softmax of its bias. Write
`first_bias(p)`. $p$, `[h, k]`, are the profiles of the $h$ heads that became convolutions: the mean attention that a
head gives to each of its $k$ neighbours. A row sums to less than 1, because some attention goes elsewhere. Return a
bias, `[h * k]`, all weights of head 0 first, whose kernels are the profiles divided by their sums. Every number of the
bias must be finite, also where a profile has a weight of 0; the kernel's weight there is then 0 to at least four
decimal places.
""",
    solution=first_bias,
    cases=cases,
    shown=shown,
    observe=observe,
    hints=[
        "Softmax takes the exponential and divides by the sum. Which function undoes the exponential?",
        "The logarithm of 0 is minus infinity. A very small number in place of 0 has a finite one.",
    ],
    mistakes=[
        Mistake(
            "the profile itself",
            [(".log()", "")],
            "The softmax of your bias is nearly even. Softmax takes exponentials: what has to be done to p first?",
        ),
        Mistake(
            "the exponential",
            [(".log()", ".exp()")],
            "You take the exponential, and the softmax takes it again.",
        ),
        Mistake(
            "another base",
            [(".log()", ".log10()")],
            "Your kernels are too even: softmax uses powers of e, so the logarithm must have the base e.",
        ),
        Mistake(
            "base 2",
            [(".log()", ".log2()")],
            "Your kernels are too sharp: softmax uses powers of e and not of 2.",
        ),
        Mistake(
            "minus infinity",
            [("p.clamp(min=smallest)", "p")],
            "A weight of 0 gives minus infinity, from which nothing can be learned any more.",
        ),
        Mistake(
            "too much in place of 0",
            [("p.clamp(min=smallest)", "p.clamp(min=0.01)")],
            "Your bias lets a neighbour take part that the head never looked at. A smaller number must stand for 0.",
        ),
        Mistake(
            "the window is turned round",
            [(".flatten()", ".flip(-1).flatten()")],
            "Left and right are exchanged in your kernels.",
        ),
        Mistake(
            "weight by weight and not head by head",
            [(".flatten()", ".T.flatten()")],
            "The weights of different heads are mixed: all k weights of one head come first, then those of the next.",
        ),
        Mistake(
            "still a table",
            [(".flatten()", "")],
            "The bias of a linear layer has one axis.",
        ),
        Mistake(
            "one kernel for all heads",
            [("p.clamp(min=smallest)", "p.mean(dim=0).expand_as(p).clamp(min=smallest)")],
            "All your kernels are alike. Each head has a profile of its own.",
        ),
        Mistake(
            "the logarithm of 1 + p",
            [("p.clamp(min=smallest).log()", "p.log1p()")],
            "The logarithm of 1 + p is finite, but its softmax is not the profile.",
        ),
    ],
    other_ways=[with_normalised_rows, by_loops, with_the_largest_at_zero],
)
