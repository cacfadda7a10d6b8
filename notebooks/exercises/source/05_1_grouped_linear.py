"""Exercise 05.1: the grouped linear layer, which lesson 05 builds in section 1."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake


class AsAListOfLayers(nn.Module):
    """One nn.Linear for each group."""

    def __init__(self, inputs, outputs, groups):
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(inputs // groups, outputs // groups) for _ in range(groups))

    def forward(self, X):
        slices = X.chunk(len(self.parts), dim=-1)
        return torch.cat([part(piece) for part, piece in zip(self.parts, slices, strict=True)], dim=-1)


class AsOneConvolution(nn.Module):
    """A convolution with a window of one token has groups, too."""

    def __init__(self, inputs, outputs, g):
        super().__init__()
        self.groups = g
        self.W = nn.Parameter(torch.rand(g, outputs // g, inputs // g))
        self.b = nn.Parameter(torch.rand(outputs))

    def forward(self, X):
        return functional.conv1d(X.mT, self.W.flatten(0, 1)[..., None], self.b, groups=self.groups).mT


class AsABlockMatrix(nn.Module):
    """An ordinary matrix that is zero outside of g blocks."""

    def __init__(self, inputs, outputs, g):
        super().__init__()
        self.bias = nn.Parameter(torch.ones(outputs))
        self.weight = nn.Parameter(torch.zeros(g, inputs // g, outputs // g))

    def forward(self, X):
        return X @ torch.block_diag(*self.weight) + self.bias


def cases():
    """Two, three and four groups, wider and narrower."""
    for inputs, outputs, g in ((12, 20, 2), (15, 6, 3), (8, 24, 4)):
        yield Case(f"{inputs} to {outputs} in {g} groups", (torch.randn(2, 5, inputs),), (inputs, outputs, g))


def shown(GroupedLinear):
    """Look at the shape, at the number of parameters, and at which outputs an input reaches."""
    layer = GroupedLinear(6, 4, 2)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    X = torch.randn(1, 3, 6)
    assert layer(X).shape == (1, 3, 4)
    assert sum(parameter.numel() for parameter in layer.parameters()) == 6 * 4 // 2 + 4
    changed = X.clone()
    changed[..., 0] += 1  # an input of the first group
    reached = (layer(changed) != layer(X)).any(dim=1)[0]
    assert reached.tolist() == [True, True, False, False], (
        "the first group of inputs reaches the first group of outputs"
    )


EXERCISE = Exercise(
    number="05.1",
    title="Grouped linear layer",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `GroupedLinear(inputs, outputs, g)`: $g$ dense layers side by side. From `[B, n, inputs]` it makes
`[B, n, outputs]`.

1. The vector of a token is cut into $g$ slices, one after the other. Slice $i$ goes through matrix $i$ of
   `[g, inputs / g, outputs / g]`, and the $g$ results stand side by side in the same order.
2. One bias of length `outputs` is added at the end.
""",
    solution=nano.GroupedLinear,
    cases=cases,
    shown=shown,
    hints=[
        "Two parameters are enough: g matrices in one tensor with three axes, and the bias.",
        "X.unflatten(-1, (g, -1)) gives each slice a place on its own axis: [B, n, g, inputs / g].",
        "torch.einsum can multiply each slice by the matrix of its own group: the letter of the group "
        "stands in both "
        "inputs and in the output.",
    ],
    mistakes=[
        Mistake(
            "the slices alternate",
            [
                (
                    "X.unflatten(-1, (len(self.weight), -1))",
                    "X.unflatten(-1, (-1, len(self.weight))).transpose(-1, -2)",
                )
            ],
            "A slice is a run of neighbouring numbers of the vector. Yours takes every g-th number.",
        ),
        Mistake(
            "the outputs alternate",
            [('"bngi,gio->bngo"', '"bngi,gio->bnog"')],
            "The results of the groups stand one after the other: first all outputs of group 0, then all of "
            "group 1.",
        ),
        Mistake(
            "the first matrix serves all groups",
            [("slices, self.weight)", "slices, self.weight[:1].expand_as(self.weight))")],
            "Each group has a matrix of its own. How many different matrices do your slices meet?",
        ),
        Mistake(
            "no bias",
            [(".flatten(2) + self.bias", ".flatten(2)")],
            "What is added after the products?",
        ),
        Mistake(
            "the bias is subtracted",
            [(".flatten(2) + self.bias", ".flatten(2) - self.bias")],
            "Look at the sign of the bias.",
        ),
        Mistake(
            "every slice meets every matrix",
            [('"bngi,gio->bngo"', '"bngi,mio->bnmo"')],
            "Your groups mix: each output is a sum over all slices. Group i of the outputs may depend on "
            "slice i only.",
        ),
        Mistake(
            "one ordinary dense layer",
            [
                ("torch.randn(g, inputs // g, outputs // g)", "torch.randn(1, inputs, outputs)"),
            ],
            "Yours has all inputs times outputs weights. With g groups there are 1/g of them.",
        ),
        Mistake(
            "one bias for all groups",
            [
                ("torch.zeros(outputs)", "torch.zeros(outputs // g)"),
                ("+ self.bias", "+ self.bias.repeat(len(self.weight))"),
            ],
            "The bias has one number for each output, not one for each output of a group.",
        ),
        Mistake(
            "the groups are reversed",
            [("slices, self.weight)", "slices.flip(-2), self.weight)")],
            "Slice 0 meets the last matrix in your class.",
        ),
        Mistake(
            "the groups are averaged",
            [
                ("torch.zeros(outputs)", "torch.zeros(outputs)"),
                (
                    'torch.einsum("bngi,gio->bngo", slices, self.weight).flatten(2)',
                    'torch.einsum("bngi,gio->bngo", slices, self.weight).mean(2).repeat(1, 1, len(self.weight))',
                ),
            ],
            "The results of the groups are put side by side; yours are added or averaged.",
        ),
    ],
    other_ways=[AsAListOfLayers, AsOneConvolution, AsABlockMatrix],
)
