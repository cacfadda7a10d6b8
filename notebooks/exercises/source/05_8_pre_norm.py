"""Exercise 05.8: an encoder layer with LayerNorm before its parts (lesson 05, section 3)."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig
from convbert_edu.exercises.definition import Exercise, Mistake, load_exercise
from convbert_edu.nano import FeedForward, MixedAttention


class PreNormLayer(nn.Module):
    """X' = X + Mixed-Attn(LayerNorm(X)), then X' + FeedForward(LayerNorm(X'))."""

    def __init__(self, config):
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention = MixedAttention(config)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, X, mask=None):
        mixed, P, w = self.attention(self.attention_norm(X), mask)
        X = X + self.dropout(mixed)
        X = X + self.dropout(self.feed_forward(self.feed_forward_norm(X)))
        return X, P, w


class InOneSum(nn.Module):
    """What is added is kept, and all is summed at the end."""

    def __init__(self, config):
        super().__init__()
        d = config.hidden_size
        self.first, self.second = (nn.LayerNorm(d, config.layer_norm_eps) for _ in range(2))
        self.mix, self.think = MixedAttention(config), FeedForward(config)
        self.p = config.hidden_dropout_prob

    def forward(self, X, mask=None):
        one, P, w = self.mix(self.first(X), mask)
        one = functional.dropout(one, self.p, self.training)
        two = functional.dropout(self.think(self.second(X + one)), self.p, self.training)
        return torch.stack([X, one, two]).sum(dim=0), P, w


class WithWrappedParts(nn.Module):
    """The second step is an nn.Sequential; the names are others."""

    def __init__(self, config):
        super().__init__()
        self.drop = nn.Dropout(config.hidden_dropout_prob)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.branches = MixedAttention(config)
        norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.rest = nn.Sequential(norm, FeedForward(config), nn.Dropout(config.hidden_dropout_prob))

    def forward(self, hidden, mask=None):
        result = self.branches(self.norm(hidden), mask)
        hidden = hidden + self.drop(result[0])
        return torch.add(self.rest(hidden), hidden), result[1], result[2]


class WithNormsInAList(nn.Module):
    """Two norms in a list, and a residual connection as a function."""

    def __init__(self, config):
        super().__init__()
        sizes = dict(normalized_shape=config.hidden_size, eps=config.layer_norm_eps)
        self.norms = nn.ModuleList([nn.LayerNorm(**sizes), nn.LayerNorm(**sizes)])
        self.feed = FeedForward(config)
        self.attend = MixedAttention(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, X, mask=None):
        mixed, P, w = self.attend(self.norms[0](X), mask=mask)
        for new in (lambda _: mixed, lambda Y: self.feed(self.norms[1](Y))):
            X = self.dropout(new(X)) + X
        return X, P, w


def shown(PreNormLayer):
    """Look at the shape, and at a very large input: it comes through nearly as it was."""
    config = ConvBertConfig.tiny()
    layer = PreNormLayer(config).eval()
    X = 1e6 * torch.randn(2, 6, config.hidden_size)
    new = layer(X)[0]
    assert new.shape == X.shape
    torch.testing.assert_close(new, X, rtol=0.1, atol=1e3)


EXERCISE = Exercise(
    number="05.8",
    title="Pre-norm",
    difficulty="medium",
    minutes=15,
    task=r"""
Most later Transformers put LayerNorm *before* each part, inside of the residual connection. Write `PreNormLayer`,
an encoder layer of that kind. It takes and returns what `EncoderLayer` does.

$$X' = X + \mathrm{MixedAttention}(\mathrm{LayerNorm}(X)), \qquad
X'' = X' + \mathrm{FeedForward}(\mathrm{LayerNorm}(X'))$$

The parts come from `built("MixedAttention", "FeedForward")`. Dropout (`hidden_dropout_prob`) acts on the result of
each part before it is added.
""",
    solution=PreNormLayer,
    cases=load_exercise("05.3").cases,
    shown=shown,
    hints=[
        "The parameters are those of EncoderLayer; only the lines of forward differ.",
        "On the way from X to the result there is nothing but two sums: no LayerNorm touches X itself.",
    ],
    mistakes=[
        Mistake(
            "post-norm",
            [
                ("self.attention(self.attention_norm(X), mask)", "self.attention(X, mask)"),
                ("X = X + self.dropout(mixed)", "X = self.attention_norm(X + self.dropout(mixed))"),
                (
                    "X = X + self.dropout(self.feed_forward(self.feed_forward_norm(X)))",
                    "X = self.feed_forward_norm(X + self.dropout(self.feed_forward(X)))",
                ),
            ],
            "Your layer normalises the sums, as BERT's does. Here LayerNorm stands before each part.",
        ),
        Mistake(
            "the residual connection starts after LayerNorm",
            [
                ("mixed, P, w =", "X = self.attention_norm(X)\n        mixed, P, w ="),
                ("self.attention(self.attention_norm(X), mask)", "self.attention(X, mask)"),
            ],
            "What is added to the result of the attention is the old X, not its normalised form.",
        ),
        Mistake(
            "both residual connections start after LayerNorm",
            [
                ("mixed, P, w =", "X = self.attention_norm(X)\n        mixed, P, w ="),
                ("self.attention(self.attention_norm(X), mask)", "self.attention(X, mask)"),
                (
                    "X = X + self.dropout(self.feed_forward(self.feed_forward_norm(X)))",
                    "X = self.feed_forward_norm(X)\n        X = X + self.dropout(self.feed_forward(X))",
                ),
            ],
            "No LayerNorm touches X on its way through the layer; yours replaces it twice.",
        ),
        Mistake(
            "no LayerNorm before the attention",
            [("self.attention(self.attention_norm(X), mask)", "self.attention(X, mask)")],
            "The attention reads X as it is in your layer.",
        ),
        Mistake(
            "no LayerNorm before the feed-forward network",
            [("self.feed_forward(self.feed_forward_norm(X))", "self.feed_forward(X)")],
            "The feed-forward network reads X' as it is in your layer.",
        ),
        Mistake(
            "one LayerNorm for both",
            [("self.feed_forward_norm(X)))", "self.attention_norm(X)))")],
            "Both parts use the same LayerNorm in your layer. Each has one of its own.",
        ),
        Mistake(
            "LayerNorm comes after the attention",
            [
                ("self.attention(self.attention_norm(X), mask)", "self.attention(X, mask)"),
                ("self.dropout(mixed)", "self.dropout(self.attention_norm(mixed))"),
            ],
            "You normalise what the attention returns. It is its input that is normalised here.",
        ),
        Mistake(
            "no residual connection around the attention",
            [("X = X + self.dropout(mixed)", "X = self.dropout(mixed)")],
            "The old X is not added to the result of the attention.",
        ),
        Mistake(
            "no residual connection around the feed-forward network",
            [("X = X + self.dropout(self.feed_forward", "X = self.dropout(self.feed_forward")],
            "X' is not added to the result of the feed-forward network.",
        ),
        Mistake(
            "the mask is not handed on",
            [("self.attention(self.attention_norm(X), mask)", "self.attention(self.attention_norm(X))")],
            "Look at the columns of P that belong to padding. Who has to know the mask?",
        ),
        Mistake(
            "no dropout after the attention",
            [("self.dropout(mixed)", "mixed")],
            "In training the result of the attention is dropped in places before it is added.",
        ),
        Mistake(
            "no dropout after the feed-forward network",
            [
                (
                    "self.dropout(self.feed_forward(self.feed_forward_norm(X)))",
                    "self.feed_forward(self.feed_forward_norm(X))",
                )
            ],
            "In training the result of the feed-forward network is dropped in places before it is added.",
        ),
    ],
    other_ways=[InOneSum, WithWrappedParts, WithNormsInAList],
)
