"""Exercise 05.3: one layer of the encoder, which lesson 05 builds in section 3."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import FeedForward, MixedAttention


class InTwoSteps(nn.Module):
    """Each step has a function of its own."""

    def __init__(self, cfg):
        super().__init__()
        self.mix = MixedAttention(cfg)
        self.think = FeedForward(cfg)
        self.norm_2 = nn.LayerNorm(cfg.hidden_size, cfg.layer_norm_eps)
        self.norm_1 = nn.LayerNorm(cfg.hidden_size, cfg.layer_norm_eps)
        self.p = cfg.hidden_dropout_prob

    def add(self, norm, X, new):
        return norm(functional.dropout(new, p=self.p, training=self.training) + X)

    def forward(self, hidden, mask=None):
        new, attention_map, kernels = self.mix(hidden, mask)
        hidden = self.add(self.norm_1, hidden, new)
        return self.add(self.norm_2, hidden, self.think(hidden)), attention_map, kernels


class WithNormWrittenOut(nn.Module):
    """LayerNorm by the functional form, with factors and shifts in plain parameters."""

    def __init__(self, config):
        super().__init__()
        d = config.hidden_size
        self.epsilon = config.layer_norm_eps
        self.attention = MixedAttention(config)
        self.factor_1, self.shift_1 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d))
        self.feed_forward = FeedForward(config)
        self.factor_2, self.shift_2 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d))
        self.drop = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, X, mask=None):
        d = X.shape[-1:]
        mixed, *maps = self.attention(X, mask)
        X = functional.layer_norm(X + self.drop(mixed), d, self.factor_1, self.shift_1, self.epsilon)
        X = X + self.drop(self.feed_forward(X))
        return functional.layer_norm(X, d, self.factor_2, self.shift_2, self.epsilon), maps[0], maps[1]


class InADictionary(nn.Module):
    """All parts in one nn.ModuleDict, and a dropout for each place."""

    def __init__(self, config):
        super().__init__()
        d, epsilon, p = config.hidden_size, config.layer_norm_eps, config.hidden_dropout_prob
        self.parts = nn.ModuleDict(
            {
                "a": MixedAttention(config), "b": nn.Dropout(p), "c": nn.LayerNorm(d, epsilon),
                "d": FeedForward(config), "e": nn.Dropout(p), "f": nn.LayerNorm(d, epsilon),
            }
        )  # fmt: skip

    def forward(self, X, mask=None):
        part = self.parts
        mixed, P, w = part["a"](X, mask)
        X = part["c"](torch.stack([X, part["b"](mixed)]).sum(dim=0))
        return part["f"](torch.add(part["e"](part["d"](X)), X)), P, w


def cases():
    """With and without padding, with groups, with an epsilon that can be seen, and without dropout."""
    sizes = dict(
        hidden_size=24, intermediate_size=40, num_attention_heads=8, head_ratio=4, gamma_bottleneck=True
    )
    quiet = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    nothing_comes_through = dict(hidden_dropout_prob=1 - 1e-9, attention_probs_dropout_prob=0.0)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    for name, inputs, changes in (
        ("two texts without padding", (), nothing_comes_through),
        ("texts of 5 and 3 tokens, two groups", (mask,), dict(num_groups=2)),
        ("a large epsilon, no dropout", (mask,), dict(layer_norm_eps=0.5, **quiet)),
    ):
        config = ConvBertConfig.tiny(conv_kernel_size=3, **(sizes | changes))
        yield Case(name, (torch.randn(2, 5, 24), *inputs), (config,))


def shown(EncoderLayer):
    """Look at the shapes, and at the mean and the spread of each vector."""
    config = ConvBertConfig.tiny()
    layer = EncoderLayer(config).eval()
    X, P, w = layer(torch.randn(2, 6, config.hidden_size), torch.ones(2, 6))
    assert X.shape == (2, 6, config.hidden_size)
    assert P.shape == (2, config.num_heads_per_branch, 6, 6)
    assert w.shape == (2, 6, config.num_heads_per_branch, config.conv_kernel_size)
    assert X.mean(dim=-1).abs().max() < 1e-4
    assert (X.std(dim=-1) - 1).abs().max() < 0.05, "a new LayerNorm gives each vector the spread 1"


EXERCISE = Exercise(
    number="05.3",
    title="Encoder layer",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `EncoderLayer`. It gets $X$, `[B, n, d]`, and a mask or `None`, and returns a tuple of three: the new $X$, the
attention map $P$ and the kernels $w$.

$$X' = \mathrm{LayerNorm}(X + \mathrm{MixedAttention}(X)), \qquad
X'' = \mathrm{LayerNorm}(X' + \mathrm{FeedForward}(X'))$$

1. The parts are `MixedAttention` and `FeedForward`, exercises 04.1 and 05.2 (or
   `built("MixedAttention", "FeedForward")`), and two LayerNorms with the epsilon `layer_norm_eps`.
2. Dropout (`hidden_dropout_prob`) acts on the result of each part before it is added.
""",
    solution=nano.EncoderLayer,
    cases=cases,
    shown=shown,
    hints=[
        "Each of the two steps has the same form: compute, drop, add to what was there before, normalise.",
        "The second step begins with the result of the first one, in both terms of its sum.",
    ],
    mistakes=[
        Mistake(
            "no residual connection around the attention",
            [("self.attention_norm(X + self.dropout(mixed))", "self.attention_norm(self.dropout(mixed))")],
            "The first step throws the old X away. Where is it added?",
        ),
        Mistake(
            "no residual connection around the feed-forward network",
            [("(X + self.dropout(self.feed_forward(X)))", "(self.dropout(self.feed_forward(X)))")],
            "The second step throws away what the first one computed. Where is it added?",
        ),
        Mistake(
            "no dropout after the attention",
            [("self.dropout(mixed)", "mixed")],
            "In training the result of the attention is dropped in places before it is added. Where is that "
            "in your class?",
        ),
        Mistake(
            "no dropout after the feed-forward network",
            [("self.dropout(self.feed_forward(X))", "self.feed_forward(X)")],
            "In training the result of the feed-forward network is dropped in places, too, before it is "
            "added.",
        ),
        Mistake(
            "dropout after the sums",
            [
                ("(X + self.dropout(mixed))", "(self.dropout(X + mixed))"),
                ("(X + self.dropout(self.feed_forward(X)))", "(self.dropout(X + self.feed_forward(X)))"),
            ],
            "Your dropout also drops numbers of the residual connection. It acts on what is added only.",
        ),
        Mistake(
            "LayerNorm comes first",
            [
                ("self.attention(X, mask)", "self.attention(self.attention_norm(X), mask)"),
                ("self.attention_norm(X + self.dropout(mixed))", "X + self.dropout(mixed)"),
                (
                    "self.feed_forward_norm(X + self.dropout(self.feed_forward(X)))",
                    "X + self.dropout(self.feed_forward(self.feed_forward_norm(X)))",
                ),
            ],
            "In your layer LayerNorm comes before each part: that is the pre-norm of later models. BERT and "
            "ConvBERT "
            "normalise after the sum.",
        ),
        Mistake(
            "LayerNorm comes before the sum",
            [
                (
                    "self.attention_norm(X + self.dropout(mixed))",
                    "X + self.attention_norm(self.dropout(mixed))",
                ),
                (
                    "self.feed_forward_norm(X + self.dropout(self.feed_forward(X)))",
                    "X + self.feed_forward_norm(self.dropout(self.feed_forward(X)))",
                ),
            ],
            "You normalise what is added. It is the sum that LayerNorm has to look at.",
        ),
        Mistake(
            "one LayerNorm for both steps",
            [("self.feed_forward_norm(X +", "self.attention_norm(X +")],
            "Both steps use the same LayerNorm in your class. Each has factors and shifts of its own.",
        ),
        Mistake(
            "the LayerNorms are exchanged",
            [
                ("X = self.attention_norm(X +", "X = self.feed_forward_norm(X +"),
                (
                    "self.feed_forward_norm(X + self.dropout(self.feed",
                    "self.attention_norm(X + self.dropout(self.feed",
                ),
            ],
            "The two LayerNorms have changed places.",
        ),
        Mistake(
            "no second LayerNorm",
            [
                (
                    "self.feed_forward_norm(X + self.dropout(self.feed_forward(X)))",
                    "X + self.dropout(self.feed_forward(X))",
                )
            ],
            "Your layer ends with a sum. What comes after each sum?",
        ),
        Mistake(
            "the second residual connection starts at the input",
            [
                (
                    "X = self.attention_norm(X + self.dropout(mixed))",
                    "Y = self.attention_norm(X + self.dropout(mixed))",
                ),
                ("self.feed_forward(X)", "self.feed_forward(Y)"),
            ],
            "The second sum adds the input of the whole layer. It should add what the first step made.",
        ),
        Mistake(
            "the feed-forward network gets the input of the layer",
            [
                (
                    "X = self.attention_norm(X + self.dropout(mixed))",
                    "Y = self.attention_norm(X + self.dropout(mixed))",
                ),
                ("(X + self.dropout(self.feed_forward(X)))", "(Y + self.dropout(self.feed_forward(X)))"),
            ],
            "The two parts work side by side in your layer. The feed-forward network should get the result "
            "of the first "
            "step.",
        ),
        Mistake(
            "the mask is not handed on",
            [("self.attention(X, mask)", "self.attention(X)")],
            "Look at the columns of P that belong to padding. Who has to know the mask?",
        ),
        Mistake(
            "the default epsilon",
            [
                (
                    "self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)",
                    "self.attention_norm = nn.LayerNorm(config.hidden_size)",
                ),
                (
                    "self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)",
                    "self.feed_forward_norm = nn.LayerNorm(config.hidden_size)",
                ),
            ],
            "nn.LayerNorm has an epsilon of its own. Which one does the configuration ask for?",
        ),
        Mistake(
            "only the new X is returned",
            [("return X, P, w", "return X")],
            "Three things are returned: the new X, the attention map and the kernels.",
        ),
    ],
    other_ways=[InTwoSteps, WithNormWrittenOut, InADictionary],
)
