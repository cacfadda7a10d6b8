"""Exercise 05.7: encoder and head with tied weights, which lesson 05 joins in section 6."""

import torch
from torch import nn

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import ConvBert, MaskedLMHead


class TheOtherWayRound(nn.Module):
    """The embedding gets the decoder's matrix; both names lead to one tensor all the same."""

    def __init__(self, config):
        super().__init__()
        self.body, self.head = ConvBert(config), MaskedLMHead(config)
        self.body.embeddings.word.weight = self.head.decoder.weight

    def forward(self, ids, mask=None, token_type_ids=None):
        return self.head(self.body(ids, mask, token_type_ids))


class WithoutADecoderMatrix(nn.Module):
    """The head's own matrix is never made: the scores are a product with E and a bias."""

    def __init__(self, config):
        super().__init__()
        e = config.embedding_size
        self.encoder = ConvBert(config)
        self.steps = nn.Sequential(
            nn.Linear(config.hidden_size, e), nn.GELU(), nn.LayerNorm(e, config.layer_norm_eps)
        )
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, input_ids, mask=None, token_type_ids=None):
        X = self.steps(self.encoder(input_ids, mask, token_type_ids))
        return X @ self.encoder.embeddings.word.weight.T + self.bias


class WithANameForE(nn.Module):
    """The shared matrix has a name of its own before the two parts get it."""

    def __init__(self, config):
        super().__init__()
        self.encoder = ConvBert(config)
        self.masked_lm_head = MaskedLMHead(config)
        E = nn.Parameter(torch.randn(config.vocab_size, config.embedding_size))
        self.encoder.embeddings.word.weight = E
        self.masked_lm_head.decoder.weight = E

    def forward(self, input_ids, mask=None, token_type_ids=None):
        vectors = self.encoder(input_ids, token_type_ids=token_type_ids, mask=mask)
        return self.masked_lm_head(vectors)


def cases():
    """With and without padding and token types."""
    for name, with_mask, with_types in (("ids alone", False, False), ("padding and token types", True, True)):
        config = ConvBertConfig.tiny(
            vocab_size=30, embedding_size=12, hidden_size=16, num_hidden_layers=2, intermediate_size=20,
            max_position_embeddings=8, conv_kernel_size=3,
        )  # fmt: skip
        ids = torch.randint(5, 30, (2, 6))
        mask = torch.ones_like(ids)
        if with_mask:
            ids[1, 4:], mask[1, 4:] = config.pad_token_id, 0
        types = (torch.arange(6) > 2).long().expand(2, -1)
        yield Case(name, (ids, mask if with_mask else None, types if with_types else None), (config,))


def shown(MaskedLM):
    """Look at the shape, and count the embedding matrix once."""
    config = ConvBertConfig.tiny(vocab_size=50, num_hidden_layers=1)
    model = MaskedLM(config)
    assert model(torch.randint(5, 50, (2, 7))).shape == (2, 7, 50)
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    assert shapes.count((50, config.embedding_size)) == 1, (
        "the embedding matrix and the decoder's are one tensor"
    )


EXERCISE = Exercise(
    number="05.7",
    title="Encoder and head, tied",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `MaskedLM`: the encoder `ConvBert` (exercise 05.5) and the head `MaskedLMHead` (exercise 05.6) in one class;
both also come from `built("ConvBert", "MaskedLMHead")`. It gets token ids, a mask or `None`, and token types or
`None`, and returns scores, `[B, n, v]`.

The matrix of the head's decoder **is** the embedding matrix $E$ of the encoder: one tensor with two names, so that
training moves both at once. (The initial values are not looked at here.)
""",
    solution=nano.MaskedLM,
    cases=cases,
    shown=shown,
    hints=[
        "model.parameters() counts a tensor with two names once. How often is a matrix of shape [v, e] in "
        "yours?",
        "A parameter can be assigned like any attribute. What is assigned is the same tensor, not a copy.",
    ],
    mistakes=[
        Mistake(
            "not tied",
            [
                (
                    "self.masked_lm_head.decoder.weight = self.encoder.embeddings.word.weight",
                    "pass",
                )
            ],
            "Your model has two matrices of shape [v, e]. The decoder should use the embedding matrix "
            "itself.",
        ),
        Mistake(
            "tied to a part that does not fit",
            [("self.encoder.embeddings.word.weight", "self.encoder.embeddings.position.weight")],
            "The decoder has one row for each entry of the vocabulary, so not every embedding matrix fits.",
        ),
        Mistake(
            "the decoder's gradient does not reach E",
            [
                (
                    "return self.masked_lm_head(X)",
                    "head, E = self.masked_lm_head, self.encoder.embeddings.word.weight\n"
                    "        X = head.layer_norm(functional.gelu(head.dense(X)))\n"
                    "        return X @ E.detach().T + head.decoder.bias",
                ),
            ],
            "The matrix is shared, but training through the scores does not move it: something is detached.",
        ),
        Mistake(
            "the mask is not handed on",
            [
                (
                    "self.encoder(input_ids, mask, token_type_ids)",
                    "self.encoder(input_ids, None, token_type_ids)",
                )
            ],
            "Padding changes the other tokens through self-attention. Who has to know the mask?",
        ),
        Mistake(
            "the token types are not handed on",
            [("self.encoder(input_ids, mask, token_type_ids)", "self.encoder(input_ids, mask)")],
            "The token types have no influence on your scores. Who has to know them?",
        ),
        Mistake(
            "mask and token types are exchanged",
            [
                (
                    "self.encoder(input_ids, mask, token_type_ids)",
                    "self.encoder(input_ids, token_type_ids, mask)",
                )
            ],
            "The encoder gets the token types where it expects the mask. In which order does it take them?",
        ),
        Mistake(
            "the vectors are returned",
            [("return self.masked_lm_head(X)", "return X")],
            "What you return are the vectors of the encoder; the head makes scores of them.",
        ),
        Mistake(
            "probabilities",
            [("return self.masked_lm_head(X)", "return self.masked_lm_head(X).softmax(-1)")],
            "Your numbers are probabilities. Scores (logits) are asked for; the softmax is part of the loss.",
        ),
        Mistake(
            "only the first token has scores",
            [("return self.masked_lm_head(X)", "return self.masked_lm_head(X[:, 0])")],
            "A masked token may stand anywhere: every position needs scores, not only the first.",
        ),
    ],
    other_ways=[TheOtherWayRound, WithoutADecoderMatrix, WithANameForE],
)
