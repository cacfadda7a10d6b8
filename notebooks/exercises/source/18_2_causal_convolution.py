"""Exercise 18.2: the causal convolution with three kinds of kernels, which lesson 18 builds in section 2."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake, load_exercise

shifted = load_exercise("18.1").solution


class CausalConvolution(nn.Module):
    """out[t] = sum over j of w[t, j] Y[t - j]: each of h heads mixes its channels of Y with its own kernel."""

    def __init__(self, d, h, k, kind):
        super().__init__()
        self.h, self.k, self.kind = h, k, kind
        if kind == "fixed":
            self.scores = nn.Parameter(torch.zeros(h, k))
        else:
            self.kernel = nn.Linear(d, h * k)  # W_f
        if kind == "span-based":
            self.depthwise = nn.Parameter(torch.randn(d, k) / k)  # F
            self.pointwise = nn.Linear(d, d)  # W_s

    def span_key(self, X):
        filtered = sum(self.depthwise[:, j] * shifted(X, j) for j in range(self.k))  # [B, n, d]
        return self.pointwise(filtered)  # K_s [B, n, d]

    def kernels(self, Q, X):
        if self.kind == "fixed":
            return torch.softmax(self.scores, dim=-1)  # [h, k]
        made_from = Q * self.span_key(X) if self.kind == "span-based" else Q
        return torch.softmax(self.kernel(made_from).unflatten(-1, (self.h, self.k)), dim=-1)  # [B, n, h, k]

    def forward(self, Y, Q, X):
        w = self.kernels(Q, X)
        Y = Y.unflatten(-1, (self.h, -1))  # [B, n, d] -> [B, n, h, d_h]
        return sum(w[..., j, None] * shifted(Y, j) for j in range(self.k)).flatten(2)  # [B, n, d]


class WithUnfoldedWindows(nn.Module):
    """Windows are cut out and weighed by einsum, and PyTorch's convolution filters the span-aware key."""

    def __init__(self, d, h, k, kind):
        super().__init__()
        self.sizes = (h, k)
        if kind == "fixed":
            self.W = nn.Parameter(torch.ones(h, k))
            return
        self.W_f = nn.Linear(d, h * k)
        self.each_channel = None
        if kind == "span-based":
            # PyTorch's filters begin at the token that is furthest back.
            self.each_channel = nn.Parameter(torch.zeros(d, 1, k))
            self.W_s = nn.Linear(d, d)

    def forward(self, Y, Q, X):
        h, k = self.sizes
        B, n, d = Y.shape
        if hasattr(self, "W"):
            w = self.W.softmax(-1).expand(B, n, h, k)
        else:
            if self.each_channel is not None:
                text = functional.pad(X.transpose(1, 2), (k - 1, 0))
                Q = Q * self.W_s(
                    functional.conv1d(text, self.each_channel.flip(-1), groups=d).transpose(1, 2)
                )
            w = self.W_f(Q).view(B, n, h, k).softmax(-1)
        windows = functional.pad(Y, (0, 0, k - 1, 0)).unfold(1, k, 1).flip(-1)  # [B, n, d, k]
        return torch.einsum("bnhk,bnhck->bnhc", w, windows.reshape(B, n, h, d // h, k)).reshape(B, n, d)


class ByLoops(nn.Module):
    """One token, one head and one offset after the other."""

    def __init__(self, width, heads, window, kind):
        super().__init__()
        self.heads, self.window = heads, window
        self.made_from = {"fixed": "nothing", "dynamic": "token", "span-based": "span"}[kind]
        if self.made_from == "span":
            self.mix = nn.Linear(width, width)
            self.filter = nn.Parameter(torch.ones(width, window))
        if self.made_from != "nothing":
            self.to_kernels = nn.Linear(width, heads * window)
        else:
            self.to_kernels = nn.Parameter(torch.randn(heads, window))

    def key(self, X, t):
        total = 0
        for j in range(min(self.window, t + 1)):
            total = total + self.filter[:, j] * X[:, t - j]
        return self.mix(total)

    def scores(self, Q, X, t):
        if self.made_from == "nothing":
            return self.to_kernels.expand(len(Q), -1, -1)
        q = Q[:, t] * self.key(X, t) if self.made_from == "span" else Q[:, t]
        return self.to_kernels(q).reshape(-1, self.heads, self.window)

    def forward(self, Y, Q, X):
        size = Y.shape[-1] // self.heads
        outputs = []
        for t in range(Y.shape[1]):
            w = self.scores(Q, X, t).exp()
            w = w / w.sum(dim=2, keepdim=True)
            heads = []
            for head in range(self.heads):
                own = slice(head * size, (head + 1) * size)
                heads.append(
                    sum(w[:, head, j, None] * Y[:, t - j, own] for j in range(self.window) if j <= t)
                )
            outputs.append(torch.cat(heads, dim=1))
        return torch.stack(outputs, dim=1)


class AsAMap(nn.Module):
    """The kernels become rows of a map [n, n] that is empty above its diagonal; then one matrix product."""

    def __init__(self, d, h, k, kind):
        super().__init__()
        self.h, self.k = h, k
        self.fixed = nn.Parameter(torch.zeros(k, h)) if kind == "fixed" else None
        self.dense = nn.ModuleList()
        if kind != "fixed":
            self.dense.append(nn.Linear(d, h * k))
        if kind == "span-based":
            self.F = nn.Parameter(torch.randn(k, d))
            self.dense.append(nn.Linear(d, d))

    def forward(self, Y, Q, X):
        B, n, _ = Y.shape
        back = torch.arange(n)[:, None] - torch.arange(n)  # how far back token i stands from token t: [n, n]
        inside = (back >= 0) & (back < self.k)
        back = back.clamp(0, self.k - 1)
        if self.fixed is not None:
            w = torch.log_softmax(self.fixed.T, dim=1).exp().expand(B, n, -1, -1)
        else:
            if len(self.dense) == 2:
                Q = self.dense[1](torch.einsum("tid,bid->btd", self.F[back] * inside[..., None], X)) * Q
            w = torch.log_softmax(self.dense[0](Q).reshape(B, n, self.h, self.k), dim=3).exp()
        P = w.transpose(1, 2).gather(-1, back.expand(B, self.h, n, n)) * inside
        return (P @ Y.reshape(B, n, self.h, -1).transpose(1, 2)).transpose(1, 2).reshape(Y.shape)


def cases():
    """The three kinds; texts that are longer and shorter than the window."""
    for d, h, k, n, texts in ((8, 2, 3, 7, 2), (12, 3, 5, 9, 1), (6, 1, 4, 3, 3)):
        for kind in ("fixed", "dynamic", "span-based"):
            Y, Q, X = torch.randn(3, texts, n, d)
            yield Case(f"{kind}, k = {k}, {h} heads, {n} tokens", (Y, Q, X), (d, h, k, kind))


def shown(CausalConvolution):
    """Even weights at first, and no gradient from a later token."""
    Y = torch.arange(4.0)[:, None] * torch.ones(1, 4, 6)
    mean = CausalConvolution(6, 2, 2, "fixed")
    nn.init.zeros_(*mean.parameters())
    torch.testing.assert_close(mean(Y, Y, Y)[0, :, 0], torch.tensor([0.0, 0.5, 1.5, 2.5]))
    for kind in ("dynamic", "span-based"):
        layer = CausalConvolution(6, 2, 3, kind)
        X = torch.randn(1, 8, 6, requires_grad=True)
        out = layer(X, X, X)
        assert out.shape == X.shape
        out[0, 4].sum().backward()
        reached = (X.grad[0] != 0).any(dim=-1)
        assert reached.nonzero().flatten().tolist() == [2, 3, 4], "output 4 depends on tokens 2, 3 and 4 only"


EXERCISE = Exercise(
    number="18.2",
    title="The causal convolution",
    difficulty="medium",
    minutes=30,
    task=r"""
Write `CausalConvolution(d, h, k, kind)`. Its `forward(Y, Q, X)` gets what is mixed, $Y$, the queries $Q$ and the input
of the layer $X$, each `[B, n, d]`, and returns `[B, n, d]`:

$$\mathrm{out}[t] = \sum_{j=0}^{k-1} w[t, j] \; Y[t - j]$$

$j = 0$ is the token itself; before the beginning there are zeros. Head 0 has the first $d / h$ channels of $Y$, and
each head has a kernel of its own, which is positive and sums to 1. The kernels depend on `kind`:

1. `"fixed"`: the softmax of learned scores, `[h, k]`, the same at every position.
2. `"dynamic"`: $w[t] = \mathrm{softmax}(W_f \, Q[t])$. $W_f$ is an `nn.Linear` from $d$ to $h \cdot k$; its first $k$
   numbers belong to head 0, the next $k$ to head 1, and so on.
3. `"span-based"`: $w[t] = \mathrm{softmax}(W_f (Q[t] * K_s[t]))$. The span-aware key $K_s$ is made from $X$, and reads
   the same $k$ tokens: $\mathrm{filtered}[t, c] = \sum_j F[c, j] \, X[t - j, c]$ with a depthwise filter $F$, `[d, k]`,
   and then $W_s$, an `nn.Linear` from $d$ to $d$.

A layer has the parameters of its kind and no others. You may use your `shifted`. The methods
`span_key` and `kernels` are a proposal; you may leave them out.
""",
    solution=CausalConvolution,
    cases=cases,
    shown=shown,
    hints=[
        'Begin with the kind "fixed": a sum over j of a weight and shifted(Y, j), with one more axis for the heads.',
        "Give the heads an axis: Y becomes [B, n, h, d_h]. A weight w[..., j] needs one more axis to meet the d_h "
        "numbers of its head.",
        "The span-aware key is a sum over j, too: column j of F times shifted(X, j). Then comes W_s.",
    ],
    mistakes=[
        Mistake(
            "the span-aware key sees the next tokens",
            [
                (
                    "shifted(X, j) for",
                    "(shifted(X.flip(1), self.k // 2 - j).flip(1) if j < self.k // 2 "
                    "else shifted(X, j - self.k // 2)) for",
                )
            ],
            "Your weighted sum looks left, but its weights are made from later tokens: the filter of the span-aware "
            "key reaches to both sides.",
        ),
        Mistake(
            "the span-aware key looks to the right",
            [("shifted(X, j) for", "shifted(X.flip(1), j).flip(1) for")],
            "Your span-aware key is made from the token and those after it. It must look left, as the window does.",
        ),
        Mistake(
            "the window looks to the right",
            [("shifted(Y, j)", "shifted(Y.flip(1), j).flip(1)")],
            "Your window holds the token and those after it. With Y[t - j] it reaches to the left.",
        ),
        Mistake(
            "the token itself is left out",
            [("shifted(Y, j)", "shifted(Y, j + 1)")],
            "Your window begins at the token before. j = 0 is the token itself.",
        ),
        Mistake(
            "the window reaches to both sides",
            [
                (
                    "shifted(Y, j)",
                    "(shifted(Y.flip(1), self.k // 2 - j).flip(1) if j < self.k // 2 "
                    "else shifted(Y, j - self.k // 2))",
                )
            ],
            "That is the window of lesson 03, with the token in its middle. Here it ends at the token itself.",
        ),
        Mistake(
            "the kernel is turned round",
            [("w[..., j, None]", "w[..., self.k - 1 - j, None]")],
            "Your kernel runs backwards: weight 0 belongs to the token itself, the last to the token furthest back.",
        ),
        Mistake(
            "the filter is turned round",
            [("self.depthwise[:, j]", "self.depthwise[:, self.k - 1 - j]")],
            "Your filter F runs backwards: column 0 belongs to the token itself.",
        ),
        Mistake(
            "the last offset is left out",
            [("shifted(Y, j) for j in range(self.k)", "shifted(Y, j) for j in range(self.k - 1)")],
            "A window has k tokens. How many terms does your sum have?",
        ),
        Mistake(
            "the ends wrap around",
            [("shifted(Y, j)", "Y.roll(j, dims=1)")],
            "The first tokens see the last ones, which come back at the beginning. There, zeros are needed.",
        ),
        Mistake(
            "softmax over the heads",
            [("(self.h, self.k)), dim=-1)", "(self.h, self.k)), dim=-2)")],
            "Look at w.sum(dim=-1): each kernel must sum to 1 by itself. Over which axis is your softmax?",
        ),
        Mistake(
            "the kernels are not normalised",
            [
                (
                    "torch.softmax(self.kernel(made_from).unflatten(-1, (self.h, self.k)), dim=-1)",
                    "self.kernel(made_from).unflatten(-1, (self.h, self.k))",
                )
            ],
            "Your dynamic and span-based kernels have negative weights and any sum. A softmax is missing.",
        ),
        Mistake(
            "the fixed scores are the weights",
            [("torch.softmax(self.scores, dim=-1)", "self.scores")],
            'The learned scores of the kind "fixed" are no weights yet: their softmax is.',
        ),
        Mistake(
            "the kernel comes from the query alone",
            [("Q * self.span_key(X)", "Q + 0 * self.span_key(X)")],
            "Your span-based kernel is a dynamic one: it does not depend on the neighbours. Where does the "
            "span-aware key come in?",
        ),
        Mistake(
            "the query and the key are added",
            [("Q * self.span_key(X)", "Q + self.span_key(X)")],
            "Q and K_s meet number by number, but not in a sum.",
        ),
        Mistake(
            "the query has no influence",
            [("Q * self.span_key(X)", "self.span_key(X)")],
            "Your span-based kernel is made from the span-aware key alone. How do Q and K_s meet?",
        ),
        Mistake(
            "the span-aware key is made from the queries",
            [("self.span_key(X) if", "self.span_key(Q) if")],
            "The span-aware key is made from the input of the layer X, and not from the queries.",
        ),
        Mistake(
            "the kernel comes from the input",
            [('if self.kind == "span-based" else Q', 'if self.kind == "span-based" else X')],
            "The dynamic kernel is made from the query of the token, and not from its input X.",
        ),
        Mistake(
            "one kernel for all heads",
            [("w[..., j, None]", "w[..., :1, j, None]")],
            "All heads use the kernel of head 0. Each has one of its own.",
        ),
        Mistake(
            "the channels of the heads interleave",
            [
                ("Y.unflatten(-1, (self.h, -1))", "Y.unflatten(-1, (-1, self.h)).transpose(-1, -2)"),
                (
                    "for j in range(self.k)).flatten(2)",
                    "for j in range(self.k)).transpose(-1, -2).flatten(2)",
                ),
            ],
            "Head 0 has the first d / h channels in a row; yours takes every h-th channel.",
        ),
        Mistake(
            "the kernels are cut the other way round",
            [("unflatten(-1, (self.h, self.k))", "unflatten(-1, (self.k, self.h)).transpose(-1, -2)")],
            "The h k numbers of a token are cut wrongly: the first k of them are the kernel of head 0.",
        ),
    ],
    other_ways=[WithUnfoldedWindows, ByLoops, AsAMap],
)
