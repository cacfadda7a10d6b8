"""Exercise 04.1: mixed attention, which lesson 04 builds in section 4."""

import torch
from torch import nn

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import SelfAttention, SpanDynamicConvolution


class InTwoSums(nn.Module):
    """W_O is cut in two: each branch has its half, and the results are added."""

    def __init__(self, config):
        super().__init__()
        self.half = config.branch_size
        self.W_O = nn.Parameter(torch.zeros(config.hidden_size, 2 * self.half))
        self.b_O = nn.Parameter(torch.zeros(config.hidden_size))
        self.self_attention = SelfAttention(config)
        self.query = nn.Linear(config.hidden_size, self.half)
        self.convolution = SpanDynamicConvolution(config)

    def forward(self, X, mask=None):
        Q = self.query(X)
        far, P = self.self_attention(Q, X, mask)
        near, w = self.convolution(Q, X)
        return far @ self.W_O[:, : self.half].T + near @ self.W_O[:, self.half :].T + self.b_O, P, w


class WithOtherNames(nn.Module):
    """The same parts in another order, with a list of branches."""

    def __init__(self, cfg):
        super().__init__()
        self.branches = nn.ModuleList([SpanDynamicConvolution(cfg), SelfAttention(cfg)])
        self.ask = nn.Linear(cfg.hidden_size, cfg.branch_size)
        self.merge = nn.Linear(2 * cfg.branch_size, cfg.hidden_size)

    def forward(self, hidden, attention_mask=None):
        question = self.ask(hidden)
        local, kernels = self.branches[0](question, hidden)
        wide, weights = self.branches[1](question, hidden, attention_mask)
        return self.merge(torch.hstack([wide.mT, local.mT]).mT), weights, kernels


class IntoAnEmptyTensor(nn.Module):
    """The two results are written side by side into a tensor that was made before."""

    def __init__(self, config):
        super().__init__()
        d, a = config.hidden_size, config.branch_size
        self.query = nn.Linear(d, a)
        self.attend = SelfAttention(config)
        self.convolve = SpanDynamicConvolution(config)
        self.output = nn.Linear(a + a, d)

    def forward(self, X, mask=None):
        Q = self.query(X)
        both = X.new_empty(*X.shape[:2], 2, Q.shape[-1])
        both[:, :, 0], P = self.attend(Q, X, mask)
        both[:, :, 1], w = self.convolve(Q, X)
        return self.output(both.flatten(2)), P, w


def cases():
    """With and without padding, at two head ratios."""
    for name, n, lengths, changes in (
        ("two texts without padding", 5, None, dict(num_attention_heads=8, head_ratio=4)),
        ("texts of 6 and 4 tokens", 6, (6, 4), dict(num_attention_heads=8, head_ratio=4, conv_kernel_size=5)),
        (
            "h = 1, no dropout",
            4,
            (4, 3),
            dict(num_attention_heads=4, head_ratio=4, attention_probs_dropout_prob=0.0),
        ),
    ):
        # The authors' sizes: the two branches together are narrower than d.
        config = ConvBertConfig.tiny(
            hidden_size=24, gamma_bottleneck=True, **({"conv_kernel_size": 3} | changes)
        )
        X = torch.randn(2, n, 24)
        if lengths is None:
            yield Case(name, (X,), (config,))
        else:
            yield Case(name, (X, (torch.arange(n) < torch.tensor(lengths)[:, None]).long()), (config,))


def shown(MixedAttention):
    """Look at the shapes, and at what a mask changes."""
    config = ConvBertConfig.tiny()
    block = MixedAttention(config).eval()
    X, mask = torch.randn(1, 6, config.hidden_size), torch.tensor([[1, 1, 1, 1, 0, 0]])
    mixed, P, w = block(X, mask)
    assert mixed.shape == X.shape
    assert P.shape == (1, config.num_heads_per_branch, 6, 6)
    assert w.shape == (1, 6, config.num_heads_per_branch, config.conv_kernel_size)
    assert P[..., 4:].max() < 1e-6, "nobody attends to padding"


EXERCISE = Exercise(
    number="04.1",
    title="Mixed attention",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `MixedAttention`: two branches that share one query. It gets the input $X$, `[B, n, d]`, and a mask, `[B, n]`
or `None`. It returns a tuple of three: the result, `[B, n, d]`, the attention map $P$, `[B, h, n, n]`, and the
kernels $w$, `[B, n, h, k]`.

$$\mathrm{MixedAttention}(X) = \mathrm{Concat}(\mathrm{SelfAttention}(Q, X),
\; \mathrm{SpanDynamicConvolution}(Q, X)) \, W_O$$

1. $Q$ comes from $X$ by a dense layer from $d$ to $a$ with a bias. Both branches get it.
2. The branches are `SelfAttention` and `SpanDynamicConvolution`, exercises 02.1 and 03.2 (or
   `built("SelfAttention", "SpanDynamicConvolution")`). Only self-attention gets the mask, as in the published
   models.
3. The result of self-attention stands first, that of the convolution second. $W_O$ is a dense layer from $2a$ to
   $d$ with a bias. There is no dropout and no residual connection here.
""",
    solution=nano.MixedAttention,
    cases=cases,
    shown=shown,
    hints=[
        "Four parts are needed: a layer for the query, the two branches, and a layer at the end.",
        "Both branches return two things. You need all four: two go into the concatenation, two are handed "
        "on.",
        "torch.cat with dim=-1 puts two vectors of length a side by side for each token.",
    ],
    mistakes=[
        Mistake(
            "the branches are exchanged",
            [("torch.cat([far, near]", "torch.cat([near, far]")],
            "The two halves of the concatenation are exchanged. Which branch stands first?",
        ),
        Mistake(
            "the mask is not handed on",
            [("self.self_attention(Q, X, mask)", "self.self_attention(Q, X)")],
            "Look at the columns of P that belong to padding. Who has to know the mask?",
        ),
        Mistake(
            "the convolution is masked, too",
            [("self.convolution(Q, X)", "self.convolution(Q, X if mask is None else X * mask[:, :, None])")],
            "Padding is set to zero before the convolution in your class. That is the cure of section 11; "
            "the published "
            "models do not have it, and this exercise follows them.",
        ),
        Mistake(
            "padding is set to zero at the end",
            [
                (
                    "return mixed, P, w",
                    "return mixed if mask is None else mixed * mask[:, :, None], P, w",
                )
            ],
            "The vectors of padding are set to zero at the end of your class. Nothing in the equation does "
            "that.",
        ),
        Mistake(
            "the convolution has a query of its own",
            [
                (
                    "self.query = nn.Linear(d, a)",
                    "self.query, self.second = nn.Linear(d, a), nn.Linear(d, a)",
                ),
                ("self.convolution(Q, X)", "self.convolution(self.second(X), X)"),
            ],
            "How many queries does a token have? In mixed attention both branches share one.",
        ),
        Mistake(
            "the results are added",
            [
                ("nn.Linear(2 * a, d)", "nn.Linear(a, d)"),
                ("torch.cat([far, near], dim=-1)", "far + near"),
            ],
            "The results of the branches are put side by side, not added. So W_O has 2a inputs.",
        ),
        Mistake(
            "the concatenation goes along the tokens",
            [("torch.cat([far, near], dim=-1)", "torch.cat([far, near], dim=1)")],
            "Along which axis do you concatenate? The result must have n tokens, as the input has.",
        ),
        Mistake(
            "the numbers of the branches alternate",
            [("torch.cat([far, near], dim=-1)", "torch.stack([far, near], dim=-1).flatten(2)")],
            "The numbers of the two branches alternate in your concatenation. First all of one, then all of "
            "the other.",
        ),
        Mistake(
            "a residual connection",
            [("return mixed, P, w", "return X + mixed, P, w")],
            "The residual connection belongs to the encoder layer (lesson 05), not to this block.",
        ),
        Mistake(
            "dropout at the end",
            [("return mixed, P, w", "return nn.functional.dropout(mixed, 0.1, self.training), P, w")],
            "The dropout after the block belongs to the encoder layer (lesson 05), not to this block.",
        ),
        Mistake(
            "no bias in the last layer",
            [("nn.Linear(2 * a, d)", "nn.Linear(2 * a, d, bias=False)")],
            "W_O is a dense layer with a bias.",
        ),
        Mistake(
            "the map and the kernels are exchanged",
            [("return mixed, P, w", "return mixed, w, P")],
            "The result is right; of the other two, the attention map comes first and the kernels second.",
        ),
        Mistake(
            "only the result is returned",
            [("return mixed, P, w", "return mixed")],
            "Three things are returned: the result, the attention map and the kernels.",
        ),
        Mistake(
            "the second branch gets the first one's result",
            [("self.convolution(Q, X)", "self.convolution(far, X)")],
            "The convolution gets the query, not the result of self-attention: the two branches work side "
            "by side.",
        ),
    ],
    other_ways=[InTwoSums, WithOtherNames, IntoAnEmptyTensor],
)
