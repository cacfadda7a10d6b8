"""Exercise 16.2: which heads become convolutions, and where their columns go (lesson 16, sections 2 and 3)."""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def new_order(mass, size):
    """Return the old column for each column of the new output.weight."""
    half = len(mass) // 2
    local = mass.argsort(descending=True)[:half].tolist()
    others = [head for head in range(len(mass)) if head not in local]
    return [head * size + i for head in [*others, *sorted(local)] for i in range(size)]


def with_tensors(mass, size):
    """All columns in a table, a row for each head; the rows are put in order."""
    heads = len(mass)
    is_local = torch.zeros(heads, dtype=torch.bool)
    is_local[mass.topk(heads // 2).indices] = True
    columns = torch.arange(heads * size).view(heads, size)
    return torch.cat([columns[~is_local], columns[is_local]]).flatten().tolist()


def by_ranks(mass, size):
    """A head is local where fewer than half of the heads have a larger mass."""
    heads = range(len(mass))
    local = [sum(bool(other > mass[head]) for other in mass) < len(mass) / 2 for head in heads]
    order = []
    for wanted in (False, True):
        for head in heads:
            if local[head] == wanted:
                order += range(head * size, (head + 1) * size)
    return order


def by_sorting_columns(mass, size):
    """The columns themselves are sorted by whether their head is local."""
    middle = mass.sort().values[len(mass) // 2]
    return sorted(range(len(mass) * size), key=lambda column: bool(mass[column // size] >= middle))


def cases():
    """Two, four, six and twelve heads."""
    yield Case("the first of two heads is local", (torch.tensor([0.9, 0.2]), 2))
    yield Case("the second of two heads is local", (torch.tensor([0.2, 0.9]), 3))
    yield Case("no head keeps more than half", (torch.tensor([0.1, 0.3, 0.2, 0.4]), 2))
    yield Case("six heads", (torch.tensor([0.6, 0.05, 0.7, 0.3, 0.1, 0.9]), 3))
    order = torch.randperm(12)
    yield Case("twelve heads", (((order + 1) / 13), 4))


def shown(new_order):
    """Four heads of two channels; heads 0 and 2 become convolutions."""
    assert list(new_order(torch.tensor([0.8, 0.1, 0.5, 0.2]), 2)) == [2, 3, 6, 7, 0, 1, 4, 5]


EXERCISE = Exercise(
    number="16.2",
    title="The columns of the output matrix",
    difficulty="medium",
    minutes=15,
    task=r"""
Half of the heads of a layer become convolutions: those with the largest mass within the window. `output.weight` of the
old layer has $h$ times `size` columns, the channels of head 0 first, then those of head 1, and so on. The new block
concatenates the attention heads first and then the convolution heads; within both, heads keep the order of their
numbers.

Write `new_order(mass, size)`. `mass`, `[h]`, has the mass of each head ($h$ is even, and no two are equal). Return the
list of the old columns in their new order, so that `output.weight[:, new_order(mass, size)]` is the new matrix.
""",
    solution=new_order,
    cases=cases,
    shown=shown,
    hints=[
        "First find the h / 2 heads with the largest mass, then list the heads in their new order.",
        "The channels of head i are the columns from i * size to (i + 1) * size - 1.",
    ],
    mistakes=[
        Mistake(
            "the convolutions come first",
            [("[*others, *sorted(local)]", "[*sorted(local), *others]")],
            "The heads with the largest mass come first in your order. They become convolutions, which stand "
            "behind the attention heads.",
        ),
        Mistake(
            "in the order of the mass",
            [("sorted(local)", "local")],
            "Your convolution heads stand in the order of their mass. They keep the order of their numbers.",
        ),
        Mistake(
            "numbers of heads in place of columns",
            [
                (
                    "[head * size + i for head in [*others, *sorted(local)] for i in range(size)]",
                    "[*others, *sorted(local)]",
                )
            ],
            "You return an order of heads. Each head has several columns.",
        ),
        Mistake(
            "the channels of the heads interleave",
            [("head * size + i", "i * len(mass) + head")],
            "The channels of a head stand side by side in the matrix; yours are far apart.",
        ),
        Mistake(
            "channel by channel",
            [
                (
                    "for head in [*others, *sorted(local)] for i in range(size)",
                    "for i in range(size) for head in [*others, *sorted(local)]",
                )
            ],
            "Your new order takes the first channel of every head, then the second ones. A head stays in one piece.",
        ),
        Mistake(
            "where each old column goes",
            [
                (
                    "[head * size + i for head in [*others, *sorted(local)] for i in range(size)]",
                    "torch.tensor([head * size + i for head in [*others, *sorted(local)] for i in range(size)])"
                    ".argsort().tolist()",
                )
            ],
            "Your list says where each old column goes. Asked for is which old column stands in each new place.",
        ),
        Mistake(
            "only the convolutions",
            [("[*others, *sorted(local)]", "sorted(local)")],
            "The columns of the heads that stay self-attention are missing.",
        ),
        Mistake(
            "a threshold of one half",
            [("mass.argsort(descending=True)[:half].tolist()", "(mass > 0.5).nonzero().flatten().tolist()")],
            "You take the heads with a mass above 0.5. It must be half of the heads, whatever their masses are.",
        ),
        Mistake(
            "one head too few",
            [("[:half]", "[: half - 1]")],
            "One head too few becomes a convolution.",
        ),
        Mistake(
            "the old order",
            [("[*others, *sorted(local)]", "range(len(mass))")],
            "Your columns stand as they stood before: then a convolution head would get the columns of another head.",
        ),
    ],
    other_ways=[with_tensors, by_ranks, by_sorting_columns],
)
