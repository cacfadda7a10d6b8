"""Exercise 02.1: self-attention, which lesson 02 builds in section 5."""

import math

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake


class WithEinsum(nn.Module):
    """Every product is an einsum, and the mask is added to the scores."""

    def __init__(self, config):
        super().__init__()
        self.heads = config.num_heads_per_branch
        self.W_v = nn.Linear(config.hidden_size, config.branch_size)
        self.W_k = nn.Linear(config.hidden_size, config.branch_size)
        self.drop = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, queries, hidden, keep=None):
        q, k, v = (
            each.reshape(*each.shape[:2], self.heads, -1)
            for each in (queries, self.W_k(hidden), self.W_v(hidden))
        )
        scores = torch.einsum("bihc,bjhc->bhij", q, k) * q.shape[-1] ** -0.5
        if keep is not None:
            scores = scores + (1.0 - keep.float())[:, None, None, :] * -1e9
        weights = scores.softmax(-1)
        return torch.einsum("bhij,bjhc->bihc", self.drop(weights), v).flatten(-2), weights


class HeadByHead(nn.Module):
    """A loop over the texts and the heads, with plain matrices."""

    def __init__(self, config):
        super().__init__()
        d, a = config.hidden_size, config.branch_size
        self.config = config
        self.K, self.K_bias = nn.Parameter(torch.zeros(d, a)), nn.Parameter(torch.zeros(a))
        self.V, self.V_bias = nn.Parameter(torch.zeros(d, a)), nn.Parameter(torch.zeros(a))

    def forward(self, Q, X, mask=None):
        size = self.config.head_size
        outs, maps = [], []
        for b in range(len(X)):
            parts, rows = [], []
            for head in range(self.config.num_heads_per_branch):
                own = slice(head * size, (head + 1) * size)
                q, k = Q[b, :, own], X[b] @ self.K[:, own] + self.K_bias[own]
                scores = (q / math.sqrt(size)) @ k.T
                if mask is not None:
                    scores[:, mask[b] == 0] = -1e30
                P = torch.softmax(scores, dim=1)
                rows.append(P)
                P = functional.dropout(P, self.config.attention_probs_dropout_prob, self.training)
                parts.append(P @ (X[b] @ self.V[:, own] + self.V_bias[own]))
            outs.append(torch.cat(parts, dim=-1))
            maps.append(torch.stack(rows))
        return torch.stack(outs), torch.stack(maps)


class WithFusedAttention(nn.Module):
    """The result from PyTorch's own function, and the map beside it from exponentials."""

    def __init__(self, config):
        super().__init__()
        self.h, self.p = config.num_heads_per_branch, config.attention_probs_dropout_prob
        self.key = nn.Linear(config.hidden_size, config.branch_size)
        self.value = nn.Linear(config.hidden_size, config.branch_size)

    def forward(self, Q, X, mask=None):
        B, n, a = Q.shape
        Q, K, V = (
            Y.view(B, n, self.h, a // self.h).permute(0, 2, 1, 3) for Y in (Q, self.key(X), self.value(X))
        )
        bias = torch.zeros(B, 1, 1, n)
        if mask is not None:
            bias = bias.masked_fill(mask[:, None, None] == 0, -1e20)
        p = self.p if self.training else 0.0
        out = functional.scaled_dot_product_attention(Q, K, V, bias.expand(B, self.h, n, n), dropout_p=p)
        scores = Q @ K.mT / math.sqrt(a // self.h) + bias
        weights = (scores - scores.amax(-1, keepdim=True)).exp()
        return out.permute(0, 2, 1, 3).reshape(B, n, a), weights / weights.sum(-1, keepdim=True)


def cases():
    """Without a mask, with padding, and with a text that is nothing but padding."""
    for name, texts, n, lengths in (
        ("two texts without padding", 2, 5, None),
        ("texts of 7, 4 and 1 tokens", 3, 7, (7, 4, 1)),
        ("a text without any token", 2, 6, (6, 0)),
    ):
        # Nothing comes through a dropout of nearly 1, so that its place can be seen.
        dropout = 1 - 1e-9 if lengths is None else 0.1
        config = ConvBertConfig.tiny(
            hidden_size=24, num_attention_heads=6, attention_probs_dropout_prob=dropout
        )
        Q, X = torch.randn(texts, n, config.branch_size), torch.randn(texts, n, 24)
        if lengths is None:
            yield Case(name, (Q, X), (config,))
        else:
            mask = (torch.arange(n) < torch.tensor(lengths)[:, None]).long()
            # Padding alone: the map is even, whatever the scores are, and right answers differ in gradients.
            yield Case(name, (Q, X, mask), (config,), gradients=0 not in lengths)


def shown(SelfAttention):
    """Look at the shapes, at the sums of the rows, and at what padding gets."""
    config = ConvBertConfig.tiny()
    layer = SelfAttention(config).eval()
    Q, X = torch.randn(2, 5, config.branch_size), torch.randn(2, 5, config.hidden_size)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    out, P = layer(Q, X, mask)
    assert out.shape == (2, 5, config.branch_size)
    assert P.shape == (2, config.num_heads_per_branch, 5, 5)
    torch.testing.assert_close(P.sum(dim=-1), torch.ones(P.shape[:3]))
    assert P[1, :, :, 3:].max() < 1e-6, "nobody attends to padding"


EXERCISE = Exercise(
    number="02.1",
    title="Self-attention",
    difficulty="medium",
    minutes=25,
    task=r"""
Write `SelfAttention`, the attention branch of a block. It gets the queries $Q$, `[B, n, a]`, the input $X$, `[B,
n, d]`, and a mask, `[B, n]` (1 for a token, 0 for padding) or `None`. It returns the result, `[B, n, a]`, and the
attention map $P$, `[B, h, n, n]`, as a tuple.

$$P = \mathrm{softmax}(Q K^\top / \sqrt{d_h}), \qquad \mathrm{out} = P V, \qquad \text{in each of } h \text{ heads}$$

1. $K$ and $V$ come from $X$ by two dense layers from $d$ to $a$, each with a bias. $Q$ comes from outside and has
   no layer here.
2. Head 0 has the first $d_h = a / h$ numbers of each vector, head 1 the next ones, and so on. In the result the
   heads stand side by side in the same order. (The method `split_heads` is a proposal; you may leave it out.)
3. Nobody attends to padding. Where a text is nothing but padding, its rows of $P$ stay finite: all their weights
   are equal (section 7 of the lesson).
4. Dropout (`attention_probs_dropout_prob`) acts on $P$ before the values are added; the returned $P$ is the one
   before dropout.
""",
    solution=nano.SelfAttention,
    cases=cases,
    shown=shown,
    hints=[
        "Give each head its own axis: [B, n, a] becomes [B, h, n, d_h]. Then one matrix product serves all "
        "heads.",
        "The scores have the shape [B, h, n, n]; row t is query t, and each column is a key. So the mask "
        "[B, n] has to meet "
        "the last axis.",
        "The scores of padding get the lowest number of the dtype, torch.finfo(S.dtype).min, before the "
        "softmax.",
    ],
    mistakes=[
        Mistake(
            "no square root",
            [(" / math.sqrt(Q.shape[-1])", "")],
            "Your scores grow with the size of a head. Which number are they divided by?",
        ),
        Mistake(
            "the root of the whole width",
            [("math.sqrt(Q.shape[-1])", "math.sqrt(Q.shape[-1] * self.h)")],
            "A score is a sum of d_h products, those of one head. Under your root stands another number.",
        ),
        Mistake(
            "divided by d_h and not by its root",
            [("math.sqrt(Q.shape[-1])", "Q.shape[-1]")],
            "You divide by d_h. How does the spread of a sum of d_h products grow: with d_h, or more slowly?",
        ),
        Mistake(
            "softmax over the queries",
            [("torch.softmax(S, dim=-1)", "torch.softmax(S, dim=-2)")],
            "Look at P.sum(dim=-1): each row belongs to one query, and must sum to 1. Over which axis is "
            "your softmax?",
        ),
        Mistake(
            "softmax over the heads",
            [("torch.softmax(S, dim=-1)", "torch.softmax(S, dim=1)")],
            "Your softmax runs over the heads. Each head has a map of its own, whose rows sum to 1.",
        ),
        Mistake(
            "the mask comes after the softmax",
            [
                ("S = S.masked_fill(mask[:, None, None, :] == 0, torch.finfo(S.dtype).min)", "pass"),
                (
                    "P = torch.softmax(S, dim=-1)",
                    "P = torch.softmax(S, dim=-1) * (1 if mask is None else mask[:, None, None, :])",
                ),
            ],
            "Padding gets no weight in your map, but then the rows of P no longer sum to 1. Does the mask "
            "belong before the "
            "softmax or after it?",
        ),
        Mistake(
            "no mask",
            [("S = S.masked_fill(mask[:, None, None, :] == 0, torch.finfo(S.dtype).min)", "pass")],
            "Look at a column of P that belongs to padding: it should be 0, whatever the scores are.",
        ),
        Mistake(
            "masked scores are 0",
            [
                (
                    "S = S.masked_fill(mask[:, None, None, :] == 0, torch.finfo(S.dtype).min)",
                    "S = S * mask[:, None, None, :]",
                )
            ],
            "A score of 0 is an ordinary score: the softmax still gives it weight. Which score means never?",
        ),
        Mistake(
            "the mask is inverted",
            [("== 0, torch.finfo", "== 1, torch.finfo")],
            "In your map the tokens are hidden and padding is seen. What does a 1 in the mask mean?",
        ),
        Mistake(
            "the mask meets the queries",
            [("mask[:, None, None, :]", "mask[:, None, :, None]")],
            "The mask hides rows of the scores here, which are queries. Padding must not be looked at: "
            "which axis holds the "
            "tokens that are looked at?",
        ),
        Mistake(
            "minus infinity",
            [("torch.finfo(S.dtype).min", "float('-inf')")],
            "A text without any token gives NaN in your class. What is the softmax of a row of minus "
            "infinities? A very "
            "small finite number is safe.",
        ),
        Mistake(
            "zeros where all is padding",
            [
                ("torch.finfo(S.dtype).min", "float('-inf')"),
                ("torch.softmax(S, dim=-1)", "torch.softmax(S, dim=-1).nan_to_num(0.0)"),
            ],
            "A text of nothing but padding gets the weight 0 everywhere in your class. Equal weights were asked for, "
            "whose sum is 1: the lowest finite score gives them without a special case.",
        ),
        Mistake(
            "dropout on the result",
            [("self.dropout(P) @ V", "self.dropout(P @ V)")],
            "You drop numbers of the result. What is dropped are weights of the map, before the values are added.",
        ),
        Mistake(
            "dropout on the values",
            [("self.dropout(P) @ V", "P @ self.dropout(V)")],
            "You drop numbers of the values, the same ones for all queries. What is dropped are weights of the map.",
        ),
        Mistake(
            "the heads are interleaved",
            [
                (
                    "Y.unflatten(-1, (self.h, -1)).transpose(1, 2)",
                    "Y.unflatten(-1, (-1, self.h)).permute(0, 3, 1, 2)",
                )
            ],
            "Head 0 has the first d_h numbers of a vector in a row; yours takes every h-th number.",
        ),
        Mistake(
            "the heads are cut without turning the axes",
            [
                (
                    "Y.unflatten(-1, (self.h, -1)).transpose(1, 2)",
                    "Y.reshape(Y.shape[0], self.h, Y.shape[1], -1)",
                )
            ],
            "A reshape from [B, n, a] to [B, h, n, d_h] in one step mixes tokens with heads. Cut the last "
            "axis first, then "
            "turn two axes.",
        ),
        Mistake(
            "the heads are joined without turning the axes back",
            [("out.transpose(1, 2).flatten(2)", "out.reshape(out.shape[0], out.shape[2], -1)")],
            "The map is right, but the result mixes tokens with heads. Which axes have to be turned before "
            "the heads are "
            "joined?",
        ),
        Mistake(
            "keys in place of values",
            [("self.split_heads(self.value(X))", "self.split_heads(self.key(X)) + 0 * self.value(X).sum()")],
            "What a token hands over is its value, not its key.",
        ),
        Mistake(
            "queries and keys are exchanged",
            [("Q @ K.transpose(-1, -2)", "K @ Q.transpose(-1, -2)")],
            "Row t of the scores belongs to query t. In your scores the rows belong to the keys.",
        ),
        Mistake(
            "no dropout",
            [("self.dropout(P) @ V", "P @ V")],
            "In training some weights of the map are dropped before the values are added. Where is that in "
            "your class?",
        ),
    ],
    other_ways=[WithEinsum, HeadByHead, WithFusedAttention],
)
