"""Exercise 05.2: the feed-forward network, which lesson 05 builds in section 2."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import GroupedLinear


class AsASequence(nn.Module):
    """nn.Sequential calls three parts one after the other."""

    def __init__(self, config):
        super().__init__()
        sizes = config.hidden_size, config.intermediate_size
        grouped = config.num_groups > 1
        up = GroupedLinear(*sizes, config.num_groups) if grouped else nn.Linear(*sizes)
        down = GroupedLinear(*sizes[::-1], config.num_groups) if grouped else nn.Linear(*sizes[::-1])
        self.steps = nn.Sequential(up, nn.GELU(), down)

    def forward(self, hidden):
        return self.steps(hidden)


class WithGeluWrittenOut(nn.Module):
    """GELU by the error function; the two layers stand in another order."""

    def __init__(self, config):
        super().__init__()
        self.second = self.layer(config.intermediate_size, config.hidden_size, config.num_groups)
        self.first = self.layer(config.hidden_size, config.intermediate_size, config.num_groups)

    def layer(self, inputs, outputs, g):
        if g > 1:
            return GroupedLinear(inputs, outputs, g)
        return nn.Linear(inputs, outputs)

    def forward(self, X):
        Y = self.first(X)
        return self.second(Y * (1 + torch.erf(Y / 2**0.5)) / 2)


class TokenByToken(nn.Module):
    """Each token goes through the network by itself."""

    def __init__(self, config):
        super().__init__()
        d, wide, g = config.hidden_size, config.intermediate_size, config.num_groups
        self.expand = GroupedLinear(d, wide, g) if g != 1 else nn.Linear(d, wide)
        self.contract = GroupedLinear(wide, d, g) if g != 1 else nn.Linear(wide, d)

    def forward(self, X):
        tokens = [functional.gelu(self.expand(X[:, t : t + 1])) for t in range(X.shape[1])]
        return torch.cat([self.contract(token) for token in tokens], dim=1)


def cases():
    """Without groups, with two and with four."""
    for g in (1, 2, 4):
        config = ConvBertConfig.tiny(hidden_size=16, intermediate_size=40, num_groups=g)
        yield Case(f"g = {g}", (torch.randn(2, 5, 16),), (config,))


def shown(FeedForward):
    """Look at the shape, and at whether a token is by itself."""
    network = FeedForward(ConvBertConfig.tiny(num_groups=2))
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    X = torch.randn(1, 4, 128)
    assert network(X).shape == X.shape
    torch.testing.assert_close(network(X[:, 2:3]), network(X)[:, 2:3], rtol=1e-4, atol=1e-2)


EXERCISE = Exercise(
    number="05.2",
    title="Feed-forward network",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `FeedForward`: each token by itself, `[B, n, d]` to `[B, n, d]`.

$$\mathrm{FeedForward}(X) = \mathrm{GELU}(X W_1 + b_1) W_2 + b_2$$

1. $W_1$ leads from $d$ to `intermediate_size`, $W_2$ back. With `num_groups` equal to 1 they are dense layers, else
   `GroupedLinear` with that number of groups: exercise 05.1, or `(GroupedLinear,) = built("GroupedLinear")`.
2. GELU is the exact one, with the error function. There is no dropout here, and no residual connection.
""",
    solution=nano.FeedForward,
    cases=cases,
    shown=shown,
    hints=[
        "Two layers are needed; which class they have depends on config.num_groups.",
        "functional.gelu computes the exact GELU unless it is asked for an approximation.",
    ],
    mistakes=[
        Mistake(
            "ReLU",
            [("functional.gelu(", "functional.relu(")],
            "Numbers below zero are cut off in your network. GELU lets small negative numbers through.",
        ),
        Mistake(
            "GELU by tanh",
            [("functional.gelu(self.expand(X))", "functional.gelu(self.expand(X), approximate='tanh')")],
            "Your results are close: this is the approximation of GELU by tanh. The exact one uses the "
            "error function.",
        ),
        Mistake(
            "SiLU",
            [("functional.gelu(", "functional.silu(")],
            "x times sigmoid(x) is SiLU, a relative of GELU. GELU is x times the share of a normal "
            "distribution below x.",
        ),
        Mistake(
            "no activation",
            [("functional.gelu(self.expand(X))", "self.expand(X)")],
            "Two dense layers in a row are one dense layer. What stands between them?",
        ),
        Mistake(
            "the activation comes at the end",
            [
                (
                    "self.contract(functional.gelu(self.expand(X)))",
                    "functional.gelu(self.contract(self.expand(X)))",
                )
            ],
            "GELU stands between the two layers, at the wide place, not after both.",
        ),
        Mistake(
            "the activation comes twice",
            [
                (
                    "self.contract(functional.gelu(self.expand(X)))",
                    "functional.gelu(self.contract(functional.gelu(self.expand(X))))",
                )
            ],
            "The last step is a dense layer: the result may be any number. Yours goes through GELU once "
            "more.",
        ),
        Mistake(
            "the activation comes first",
            [("functional.gelu(self.expand(X))", "self.expand(functional.gelu(X))")],
            "GELU acts on the wide vectors, after the first layer; yours acts on the input.",
        ),
        Mistake(
            "a residual connection",
            [("return self.contract", "return X + self.contract")],
            "The residual connection belongs to the encoder layer, not to this network.",
        ),
        Mistake(
            "dropout",
            [
                (
                    "functional.gelu(self.expand(X))",
                    "functional.dropout(functional.gelu(self.expand(X)), 0.1, self.training)",
                )
            ],
            "The published ConvBERT has no dropout between the two layers.",
        ),
        Mistake(
            "the groups are ignored",
            [
                ("nn.Linear(d, wide) if g == 1 else GroupedLinear(d, wide, g)", "nn.Linear(d, wide)"),
                ("nn.Linear(wide, d) if g == 1 else GroupedLinear(wide, d, g)", "nn.Linear(wide, d)"),
            ],
            "With num_groups above 1 the layers are grouped. Which class did exercise 05.1 build for that?",
        ),
        Mistake(
            "only the first layer is grouped",
            [("nn.Linear(wide, d) if g == 1 else GroupedLinear(wide, d, g)", "nn.Linear(wide, d)")],
            "Only one of your two layers is grouped.",
        ),
    ],
    other_ways=[AsASequence, WithGeluWrittenOut, TokenByToken],
)
