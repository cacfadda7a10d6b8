"""Exercise 03.1: the span-aware key, which lesson 03 builds in section 6."""

import torch
from torch import nn

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake


class WithConvolutions(nn.Module):
    """Two layers of PyTorch, which hold the same parameters in another shape."""

    def __init__(self, config):
        super().__init__()
        d, k = config.hidden_size, config.conv_kernel_size
        self.each_channel = nn.Conv1d(d, d, k, padding=k // 2, groups=d, bias=False)
        self.mix = nn.Conv1d(d, config.branch_size, 1)

    def forward(self, X):
        return self.mix(self.each_channel(X.transpose(1, 2))).transpose(1, 2)


class ByLoops(nn.Module):
    """One token and one neighbour after the other."""

    def __init__(self, settings):
        super().__init__()
        d, a, k = settings.hidden_size, settings.branch_size, settings.conv_kernel_size
        self.F = nn.Parameter(torch.rand(d, k))
        self.W_s = nn.Parameter(torch.ones(d, a))
        self.b = nn.Parameter(torch.ones(a))

    def forward(self, tokens):
        n, k = tokens.shape[1], self.F.shape[1]
        rows = []
        for t in range(n):
            total = 0
            for j in range(k):
                neighbour = t + j - k // 2
                if 0 <= neighbour < n:
                    total = total + self.F[:, j] * tokens[:, neighbour]
            rows.append(total @ self.W_s + self.b)
        return torch.stack(rows, dim=1)


class WithUnfoldedWindows(nn.Module):
    """All windows are cut out first; then one einsum for each step."""

    def __init__(self, config):
        super().__init__()
        d, a, k = config.hidden_size, config.branch_size, config.conv_kernel_size
        self.bias = nn.Parameter(torch.full((a,), 7.0))
        self.depthwise = nn.Parameter(torch.zeros(d, k))
        self.pointwise = nn.Linear(d, a, bias=False)

    def forward(self, X):
        r = self.depthwise.shape[1] // 2
        zeros = X.new_zeros(X.shape[0], r, X.shape[2])
        windows = torch.cat([zeros, X, zeros], dim=1).unfold(1, 2 * r + 1, 1)  # [B, n, d, k]
        filtered = torch.einsum("bndk,dk->bnd", windows, self.depthwise)
        return torch.einsum("bnd,ad->bna", filtered, self.pointwise.weight) + self.bias


def cases():
    """Windows of three sizes; texts that are longer and shorter than the window."""
    for k, n, texts in ((3, 7, 2), (5, 9, 1), (9, 4, 3)):
        config = ConvBertConfig.tiny(hidden_size=16, num_attention_heads=4, conv_kernel_size=k)
        yield Case(f"k = {k}, {texts} texts of {n} tokens", (torch.randn(texts, n, 16),), (config,))


def shown(SpanAwareKey):
    """Look at the shape, and at how far a token is seen."""
    config = ConvBertConfig.tiny(conv_kernel_size=5)
    layer = SpanAwareKey(config)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    X = torch.zeros(1, 11, config.hidden_size)
    assert layer(X).shape == (1, 11, config.branch_size)
    X[0, 5] = 1.0
    reached = (layer(X) != layer(torch.zeros_like(X))).any(dim=-1)[0]
    assert reached.nonzero().flatten().tolist() == [3, 4, 5, 6, 7], (
        "a token is seen by itself and by r on each side"
    )


EXERCISE = Exercise(
    number="03.1",
    title="The span-aware key",
    difficulty="medium",
    minutes=20,
    task=r"""
Write `SpanAwareKey`: from the input $X$ of a block, `[B, n, d]`, it makes a key for each token, $K_s$,
`[B, n, a]`. The key of a token depends on its neighbours, too.

1. The depthwise filter $F$, `[d, k]`, moves over the text. Each channel $c$ has a filter of its own:
   $\mathrm{filtered}[t, c] = \sum_j F[c, j] \, X[t + j - r, c]$ with $r = \lfloor k / 2 \rfloor$. Outside of the
   text there are zeros.
2. The pointwise matrix $W_s$, `[d, a]`, mixes the channels. Then a bias, `[a]`, is added. $W_s$ has no other bias.

The sizes stand in the configuration: $d$ is `hidden_size`, $a$ is `branch_size`, $k$ is `conv_kernel_size`.
""",
    solution=nano.SpanAwareKey,
    cases=cases,
    shown=shown,
    hints=[
        "Three parameters are needed: F with k numbers for each of d channels, W_s from d to a, and a bias "
        "of length a.",
        "Pad the text first: functional.pad with (0, 0, r, r) adds r rows of zeros before and after it.",
        "After the padding, neighbour j of all tokens at once is a slice of n rows. A loop over j adds k "
        "such slices, each "
        "multiplied by its column of F.",
    ],
    mistakes=[
        Mistake(
            "the window begins at the token",
            [("(0, 0, k // 2, k // 2)", "(0, 0, 0, k - 1)")],
            "The window of a token should reach equally far to both sides. Where does yours begin, and "
            "where does it end?",
        ),
        Mistake(
            "the window ends at the token",
            [("(0, 0, k // 2, k // 2)", "(0, 0, k - 1, 0)")],
            "Your window holds the token and those before it. How many zeros belong before the text, how "
            "many after it?",
        ),
        Mistake(
            "the window is one position off",
            [("(0, 0, k // 2, k // 2)", "(0, 0, k // 2 + 1, k // 2 - 1)")],
            "Your window is off by one position. Which token should be multiplied by the middle column of F?",
        ),
        Mistake(
            "the filter is turned round",
            [("X[:, j : j + n]", "X[:, k - 1 - j : k - 1 - j + n]")],
            "Your filter runs backwards: its first column should meet the first token of the window, not "
            "the last.",
        ),
        Mistake(
            "one filter for all channels",
            [("self.depthwise[:, j] * X", "self.depthwise[0, j] * X")],
            "Depthwise means that each channel has its own filter. How many different filters does yours "
            "use?",
        ),
        Mistake(
            "the last neighbour is left out",
            [("for j in range(k))", "for j in range(k - 1))")],
            "A window has k tokens. How many terms does your sum have?",
        ),
        Mistake(
            "no bias",
            [(" + self.bias", "")],
            "What has to be added after the pointwise matrix?",
        ),
        Mistake(
            "a bias in the pointwise matrix too",
            [("nn.Linear(d, a, bias=False)", "nn.Linear(d, a)")],
            "One bias of length a is enough. nn.Linear brings one of its own unless it is told not to.",
        ),
        Mistake(
            "a filter that mixes channels",
            [
                ("torch.empty(d, k)", "torch.empty(d, d, k)"),
                ("self.depthwise[:, j] *", "self.depthwise[:, 0, j] *"),
                ("self.depthwise.shape[1]", "self.depthwise.shape[2]"),
            ],
            "A depthwise filter has k numbers for each channel, d k in all. Yours is an ordinary "
            "convolution with d times as many.",
        ),
        Mistake(
            "the ends wrap around",
            [
                (
                    "functional.pad(X, (0, 0, k // 2, k // 2))",
                    "torch.cat([X[:, -(k // 2):], X, X[:, : k // 2]], dim=1)",
                )
            ],
            "The first token has no neighbour on its left, and the last token is not one. What stands "
            "outside of the text?",
        ),
        Mistake(
            "the ends are repeated",
            [
                (
                    "functional.pad(X, (0, 0, k // 2, k // 2))",
                    "functional.pad(X.transpose(1, 2), (k // 2, k // 2), mode='replicate').transpose(1, 2)",
                ),
            ],
            "Outside of the text there are zeros, not copies of the first and the last token.",
        ),
    ],
    other_ways=[WithConvolutions, ByLoops, WithUnfoldedWindows],
)
