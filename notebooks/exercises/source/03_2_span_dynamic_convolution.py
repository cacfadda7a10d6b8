"""Exercise 03.2: span-based dynamic convolution, which lesson 03 builds in section 7."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import SpanAwareKey


class WithUnfoldedWindows(nn.Module):
    """All windows of the values are cut out, and one einsum weighs them."""

    def __init__(self, config):
        super().__init__()
        self.heads, self.k = config.num_heads_per_branch, config.conv_kernel_size
        self.values = nn.Linear(config.hidden_size, config.branch_size)
        self.local_keys = SpanAwareKey(config)
        self.W_f = nn.Linear(config.branch_size, self.heads * self.k)

    def forward(self, queries, hidden):
        B, n, _ = hidden.shape
        weights = self.W_f(self.local_keys(hidden) * queries).view(B, n, self.heads, self.k).softmax(-1)
        values = self.values(hidden).transpose(1, 2)
        windows = functional.pad(values, (self.k // 2, self.k // 2)).unfold(2, self.k, 1)  # [B, a, n, k]
        windows = windows.view(B, self.heads, -1, n, self.k)
        return torch.einsum("bnhk,bhcnk->bnhc", weights, windows).reshape(B, n, -1), weights


class ByLoops(nn.Module):
    """One token, one head and one neighbour after the other."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        a = config.branch_size
        self.span_key = SpanAwareKey(config)
        self.kernel = nn.Linear(a, config.num_heads_per_branch * config.conv_kernel_size)
        self.value = nn.Linear(config.hidden_size, a)

    def forward(self, Q, X):
        h, k, size = (
            self.config.num_heads_per_branch, self.config.conv_kernel_size, self.config.head_size,
        )  # fmt: skip
        scores, V_c = self.kernel(Q * self.span_key(X)), self.value(X)
        out, kernels = [], []
        for t in range(X.shape[1]):
            heads, own_kernels = [], []
            for head in range(h):
                w = scores[:, t, head * k : (head + 1) * k].exp()
                w = w / w.sum(dim=-1, keepdim=True)
                total = torch.zeros_like(V_c[:, 0, :size])
                for j in range(k):
                    if 0 <= t + j - k // 2 < X.shape[1]:
                        neighbour = V_c[:, t + j - k // 2, head * size : (head + 1) * size]
                        total = total + w[:, j : j + 1] * neighbour
                heads.append(total)
                own_kernels.append(w)
            out.append(torch.cat(heads, dim=-1))
            kernels.append(torch.stack(own_kernels, dim=1))
        return torch.stack(out, dim=1), torch.stack(kernels, dim=1)


class AsAMap(nn.Module):
    """The kernels become the rows of a map with n columns, as in lesson 04; then one matrix product."""

    def __init__(self, config):
        super().__init__()
        self.h, self.k = config.num_heads_per_branch, config.conv_kernel_size
        self.kernel = nn.Linear(config.branch_size, self.h * self.k)
        self.value = nn.Linear(config.hidden_size, config.branch_size)
        self.span_key = SpanAwareKey(config)

    def forward(self, Q, X):
        B, n, r = len(X), X.shape[1], self.k // 2
        w = torch.log_softmax(self.kernel(self.span_key(X) * Q).reshape(B, n, self.h, self.k), dim=3).exp()
        wide = torch.zeros(B, self.h, n, n + 2 * r)
        columns = torch.arange(n)[:, None] + torch.arange(self.k)
        wide = wide.scatter(-1, columns.expand(B, self.h, -1, -1), w.transpose(1, 2))
        V_c = self.value(X).reshape(B, n, self.h, -1).transpose(1, 2)
        return (wide[..., r : r + n] @ V_c).transpose(1, 2).flatten(2), w


def cases():
    """Windows of three sizes; texts that are longer and shorter than the window."""
    for k, n, texts in ((3, 7, 2), (5, 9, 1), (9, 4, 3)):
        config = ConvBertConfig.tiny(hidden_size=24, num_attention_heads=4, conv_kernel_size=k)
        Q, X = torch.randn(texts, n, config.branch_size), torch.randn(texts, n, 24)
        yield Case(f"k = {k}, {texts} texts of {n} tokens", (Q, X), (config,))


def shown(SpanDynamicConvolution):
    """Look at the shapes, at the sums of the kernels, and at how far a value goes."""
    config = ConvBertConfig.tiny(conv_kernel_size=5)
    layer = SpanDynamicConvolution(config)
    Q, X = torch.randn(2, 7, config.branch_size), torch.randn(2, 7, config.hidden_size)
    out, w = layer(Q, X)
    assert out.shape == (2, 7, config.branch_size)
    assert w.shape == (2, 7, config.num_heads_per_branch, 5)
    torch.testing.assert_close(w.sum(dim=-1), torch.ones(2, 7, config.num_heads_per_branch))
    assert w.min() > 0


EXERCISE = Exercise(
    number="03.2",
    title="Span-based dynamic convolution",
    difficulty="medium",
    minutes=30,
    task=r"""
Write `SpanDynamicConvolution`, the convolution branch of a block. It gets the queries $Q$, `[B, n, a]`, and the
input $X$, `[B, n, d]`. It returns the result, `[B, n, a]`, and the kernels $w$, `[B, n, h, k]`, as a tuple.

$$w = \mathrm{softmax}(W_f (Q * K_s)), \qquad \mathrm{out}[t] = \sum_j w[t, j] \, V_c[t + j - r]$$

1. $K_s$ comes from `SpanAwareKey`, which is exercise 03.1. Or take it from the course with
   `(SpanAwareKey,) = built("SpanAwareKey")`; `built` returns a list.
2. $W_f$ is a dense layer from $a$ to $h \cdot k$ with a bias. Its first $k$ numbers are the kernel of head 0, the
   next $k$ that of head 1, and so on. Each kernel is positive and sums to 1.
3. $V_c$ comes from $X$ by a dense layer from $d$ to $a$ with a bias. Head 0 has its first $d_h = a / h$ numbers.
   All numbers of a head share the head's kernel.
4. Outside of the text $V_c$ is zero.
""",
    solution=nano.SpanDynamicConvolution,
    cases=cases,
    shown=shown,
    hints=[
        "Three parts are needed: SpanAwareKey, a layer for the kernels, and a layer for the values.",
        "Give the heads their own axis: the kernels become [B, n, h, k], the values [B, n, h, d_h].",
        "As in SpanAwareKey, the padded values at offset j are one slice for all tokens. Here each slice is "
        "multiplied by "
        "the weight w[..., j], which needs one more axis to meet the d_h numbers of a head.",
    ],
    mistakes=[
        Mistake(
            "softmax over the heads",
            [("torch.softmax(w, dim=-1)", "torch.softmax(w, dim=-2)")],
            "Look at w.sum(dim=-1): it should be 1 for each token and head. Over which axis is your softmax?",
        ),
        Mistake(
            "softmax over the tokens",
            [("torch.softmax(w, dim=-1)", "torch.softmax(w, dim=1)")],
            "Your kernels sum to 1 over the tokens of the text. It is the k weights of one kernel that must "
            "sum to 1.",
        ),
        Mistake(
            "the kernel is not normalised",
            [("w = torch.softmax(w, dim=-1)", "pass")],
            "Your kernels have negative weights and any sum. What makes k numbers positive and lets them "
            "sum to 1?",
        ),
        Mistake(
            "softmax over all heads and weights at once",
            [("torch.softmax(w, dim=-1)", "torch.softmax(w.flatten(2), dim=-1).view_as(w)")],
            "The weights of all heads together sum to 1 in your class. Each head needs a kernel that sums "
            "to 1 by itself.",
        ),
        Mistake(
            "the kernel comes from the query alone",
            [("self.kernel(Q * self.span_key(X))", "self.kernel(Q + 0 * self.span_key(X))")],
            "Your kernel depends on the token alone: that is dynamic convolution, step 2 of the lesson. "
            "Where does the "
            "span come in?",
        ),
        Mistake(
            "the kernel comes from the span-aware key alone",
            [("self.kernel(Q * self.span_key(X))", "self.kernel(self.span_key(X))")],
            "The query has no influence in your class. How do Q and K_s meet?",
        ),
        Mistake(
            "the query and the key are added",
            [("Q * self.span_key(X)", "Q + self.span_key(X)")],
            "Q and K_s meet number by number, but not in a sum.",
        ),
        Mistake(
            "the values stand in for the span-aware key",
            [("self.kernel(Q * self.span_key(X))", "self.kernel(Q * self.value(X) + 0 * self.span_key(X))")],
            "The kernel is made from the query and a key. Which key is it? Yours knows nothing of the "
            "neighbours.",
        ),
        Mistake(
            "the scores are divided by a root",
            [
                (
                    "w = torch.softmax(w, dim=-1)",
                    "w = torch.softmax(w / (Q.shape[-1] // self.h) ** 0.5, dim=-1)",
                )
            ],
            "The square root belongs to the scores of self-attention. These scores are not sums of d_h "
            "products.",
        ),
        Mistake(
            "the kernels are cut the other way round",
            [
                (
                    "unflatten(-1, (self.h, self.k))",
                    "unflatten(-1, (self.k, self.h)).transpose(-1, -2)",
                )
            ],
            "The h k numbers of a token are cut wrongly: the first k of them are the kernel of head 0.",
        ),
        Mistake(
            "the values are cut the other way round",
            [
                (
                    "self.value(X).unflatten(-1, (self.h, -1))",
                    "self.value(X).unflatten(-1, (-1, self.h)).transpose(-1, -2)",
                )
            ],
            "Head 0 has the first d_h numbers of a value in a row; yours takes every h-th number.",
        ),
        Mistake(
            "the bias comes before the padding",
            [
                ("self.value(X).unflatten", "self.value(functional.pad(X, (0, 0, r, r))).unflatten"),
                ("V_c = functional.pad(V_c, (0, 0, 0, 0, r, r))", "pass"),
            ],
            "Outside of the text your values are not zero but the bias of the dense layer. Which comes "
            "first, the layer or "
            "the zeros?",
        ),
        Mistake(
            "the window is one position off",
            [("(0, 0, 0, 0, r, r)", "(0, 0, 0, 0, r + 1, r - 1)")],
            "Your window is off by one position. Which neighbour should get the middle weight of a kernel?",
        ),
        Mistake(
            "the window ends at the token",
            [("(0, 0, 0, 0, r, r)", "(0, 0, 0, 0, 2 * r, 0)")],
            "Your window holds the token and those before it. It should reach equally far to both sides.",
        ),
        Mistake(
            "the kernel is turned round",
            [("w[..., j, None]", "w[..., self.k - 1 - j, None]")],
            "Your kernel runs backwards: its first weight belongs to the first token of the window.",
        ),
        Mistake(
            "one kernel for all heads",
            [("w[..., j, None] *", "w[..., :1, j, None] *")],
            "All heads use the kernel of head 0. How many kernels does each token have?",
        ),
    ],
    other_ways=[WithUnfoldedWindows, ByLoops, AsAMap],
)
