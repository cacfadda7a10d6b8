"""Exercise 05.6: the masked-LM head, which lesson 05 builds in section 6."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake


class AsASequence(nn.Module):
    """Four parts in a row."""

    def __init__(self, config):
        super().__init__()
        d, e = config.hidden_size, config.embedding_size
        norm = nn.LayerNorm(e, config.layer_norm_eps)
        self.steps = nn.Sequential(nn.Linear(d, e), nn.GELU(), norm, nn.Linear(e, config.vocab_size))

    def forward(self, X):
        return self.steps(X)


class WithPlainMatrices(nn.Module):
    """Parameters instead of layers, and every step written out."""

    def __init__(self, config):
        super().__init__()
        d, e, v = config.hidden_size, config.embedding_size, config.vocab_size
        self.epsilon = config.layer_norm_eps
        self.W, self.b = nn.Parameter(torch.zeros(d, e)), nn.Parameter(torch.zeros(e))
        self.factor, self.shift = nn.Parameter(torch.ones(e)), nn.Parameter(torch.zeros(e))
        self.E, self.scores_bias = nn.Parameter(torch.zeros(v, e)), nn.Parameter(torch.zeros(v))

    def forward(self, X):
        Y = X @ self.W + self.b
        Y = Y * (1 + torch.erf(Y / 2**0.5)) / 2
        Y = Y - Y.mean(dim=-1, keepdim=True)
        Y = Y / (Y.var(dim=-1, correction=0, keepdim=True) + self.epsilon) ** 0.5 * self.factor + self.shift
        return torch.einsum("bne,ve->bnv", Y, self.E) + self.scores_bias


class WithOtherNames(nn.Module):
    """The same layers under other names and in another order."""

    def __init__(self, config):
        super().__init__()
        self.scores = nn.Linear(config.embedding_size, config.vocab_size)
        self.narrow = nn.Linear(config.hidden_size, config.embedding_size)
        self.norm = nn.LayerNorm((config.embedding_size,), eps=config.layer_norm_eps)

    def forward(self, vectors):
        vectors = functional.gelu(self.narrow(vectors), approximate="none")
        return self.scores(self.norm(vectors))


def cases():
    """Two sizes, and an epsilon that can be seen."""
    for name, e, epsilon in (("e = 12", 12, 1e-12), ("e = 10, a large epsilon", 10, 0.5)):
        config = ConvBertConfig.tiny(vocab_size=30, embedding_size=e, hidden_size=16, layer_norm_eps=epsilon)
        yield Case(name, (torch.randn(2, 5, 16),), (config,))


def shown(MaskedLMHead):
    """Look at the shape, and at what the decoder has for parameters."""
    config = ConvBertConfig.tiny(vocab_size=50, embedding_size=32)
    head = MaskedLMHead(config)
    assert head(torch.randn(2, 7, config.hidden_size)).shape == (2, 7, 50)
    assert sum(parameter.numel() for parameter in head.parameters()) == (128 * 32 + 32) + 2 * 32 + (
        32 * 50 + 50
    )


EXERCISE = Exercise(
    number="05.6",
    title="Masked-LM head",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `MaskedLMHead`: from the vectors of the encoder, `[B, n, d]`, it makes a score (logit) for each entry of the
vocabulary, `[B, n, v]`.

1. A dense layer from $d$ to the embedding size $e$, then GELU (the exact one), then LayerNorm with the epsilon
   `layer_norm_eps`.
2. The decoder: a dense layer from $e$ to $v$ with a bias. Its matrix has the shape of the embedding matrix $E$, so
   that exercise 05.7 can use $E$ itself.
""",
    solution=nano.MaskedLMHead,
    cases=cases,
    shown=shown,
    hints=[
        "Three parts with parameters are needed; GELU has none.",
        "A logit is any number: the loss makes probabilities of logits by itself.",
    ],
    mistakes=[
        Mistake(
            "no GELU",
            [("functional.gelu(self.dense(X))", "self.dense(X)")],
            "What stands between the dense layer and LayerNorm?",
        ),
        Mistake(
            "GELU by tanh",
            [("functional.gelu(self.dense(X))", "functional.gelu(self.dense(X), approximate='tanh')")],
            "Your results are close: this is the approximation of GELU by tanh. The exact one uses the "
            "error function.",
        ),
        Mistake(
            "ReLU",
            [("functional.gelu(", "functional.relu(")],
            "Numbers below zero are cut off in your head. GELU lets small negative numbers through.",
        ),
        Mistake(
            "tanh",
            [("functional.gelu(", "torch.tanh(")],
            "The activation of this head is GELU, not tanh.",
        ),
        Mistake(
            "no LayerNorm",
            [("self.layer_norm(functional.gelu(self.dense(X)))", "functional.gelu(self.dense(X))")],
            "The vectors go to the decoder without LayerNorm in your head.",
        ),
        Mistake(
            "LayerNorm comes before GELU",
            [
                (
                    "self.layer_norm(functional.gelu(self.dense(X)))",
                    "functional.gelu(self.layer_norm(self.dense(X)))",
                )
            ],
            "GELU and LayerNorm have changed places.",
        ),
        Mistake(
            "the default epsilon",
            [(", eps=config.layer_norm_eps", "")],
            "nn.LayerNorm has an epsilon of its own. Which one does the configuration ask for?",
        ),
        Mistake(
            "probabilities",
            [("return self.decoder(X)", "return torch.softmax(self.decoder(X), dim=-1)")],
            "Your numbers are probabilities. The head returns scores (logits); the softmax is part of the "
            "loss.",
        ),
        Mistake(
            "log-probabilities",
            [("return self.decoder(X)", "return torch.log_softmax(self.decoder(X), dim=-1)")],
            "Your numbers are logarithms of probabilities. The head returns scores (logits).",
        ),
        Mistake(
            "the decoder has no bias",
            [("nn.Linear(e, config.vocab_size)", "nn.Linear(e, config.vocab_size, bias=False)")],
            "The decoder has a bias: one number for each entry of the vocabulary.",
        ),
        Mistake(
            "the first dense layer stays at d",
            [
                ("nn.Linear(config.hidden_size, e)", "nn.Linear(config.hidden_size, config.hidden_size)"),
                ("nn.LayerNorm(e,", "nn.LayerNorm(config.hidden_size,"),
                ("nn.Linear(e, config.vocab_size)", "nn.Linear(config.hidden_size, config.vocab_size)"),
            ],
            "The decoder's matrix is to be the embedding matrix, which is only e wide. How wide is yours?",
        ),
        Mistake(
            "only the decoder",
            [
                ("self.decoder(X)", "self.decoder(X[..., : self.decoder.in_features])"),
                ("X = self.layer_norm", "_ = self.layer_norm"),
            ],
            "The dense layer and LayerNorm are there but have no influence on your result.",
        ),
    ],
    other_ways=[AsASequence, WithPlainMatrices, WithOtherNames],
)
