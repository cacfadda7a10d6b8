"""Exercise 05.5: the encoder, which lesson 05 builds in section 5."""

import torch
from torch import nn

from convbert_edu import ConvBertConfig, ConvBertModel, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import Embeddings, EncoderLayer


class WithOtherNames(nn.Module):
    """Other names, the layers before the embeddings, and positions of arguments by name."""

    def __init__(self, cfg):
        super().__init__()
        self.blocks = nn.ModuleList([EncoderLayer(cfg) for _ in range(cfg.num_hidden_layers)])
        self.begin = Embeddings(cfg)

    def forward(self, ids, mask=None, token_type_ids=None):
        hidden = self.begin(ids, token_type_ids=token_type_ids)
        for number in range(len(self.blocks)):
            hidden = self.blocks[number](hidden, mask=mask)[0]
        return hidden


class WithAddedModules(nn.Module):
    """The layers are kept by add_module, and the calls are a recursion."""

    def __init__(self, config):
        super().__init__()
        self.depth = config.num_hidden_layers
        self.embeddings = Embeddings(config)
        for i in range(self.depth):
            self.add_module(f"layer_{i}", EncoderLayer(config))

    def up_to(self, depth, X, mask):
        if depth == 0:
            return X
        vectors, _, _ = getattr(self, f"layer_{depth - 1}")(self.up_to(depth - 1, X, mask), mask)
        return vectors

    def forward(self, input_ids, mask=None, token_type_ids=None):
        return self.up_to(self.depth, self.embeddings(input_ids, token_type_ids), mask)


class KeepingEverything(nn.Module):
    """All states are collected, and the last one is returned."""

    def __init__(self, config):
        super().__init__()
        self.parts = nn.ModuleDict({"embed": Embeddings(config)})
        self.parts["stack"] = nn.Sequential(*(EncoderLayer(config) for _ in range(config.num_hidden_layers)))

    def forward(self, input_ids, mask=None, token_type_ids=None):
        states = [self.parts["embed"](input_ids, token_type_ids)]
        maps = []
        for layer in self.parts["stack"]:
            state, P, w = layer(states[-1], mask)
            states.append(state)
            maps.append((P, w))
        return states[-1]


def cases():
    """One to three layers, with padding and token types."""
    for layers, n, with_mask, with_types in ((1, 5, False, False), (2, 6, True, False), (3, 6, True, True)):
        config = ConvBertConfig.tiny(
            vocab_size=30, embedding_size=12, hidden_size=16, num_hidden_layers=layers, intermediate_size=20,
            max_position_embeddings=8, conv_kernel_size=3,
        )  # fmt: skip
        ids = torch.randint(5, 30, (2, n))
        mask = torch.ones_like(ids)
        if with_mask:
            ids[1, 4:], mask[1, 4:] = config.pad_token_id, 0
        types = (torch.arange(n) > 2).long().expand(2, -1)
        inputs = (ids, mask if with_mask else None, types if with_types else None)
        name = f"{layers} layers" + ", padding" * with_mask + ", token types" * with_types
        yield Case(name, inputs, (config,))


def shown(ConvBert):
    """Look at the shape, at the number of parameters, and at whether a token depends on the others."""
    config = ConvBertConfig.tiny(vocab_size=50)
    model = ConvBert(config).eval()
    ids = torch.randint(5, 50, (2, 7))
    X = model(ids)
    assert X.shape == (2, 7, config.hidden_size)
    sizes = [sum(each.numel() for each in made.parameters()) for made in (model, ConvBertModel(config))]
    assert sizes[0] == sizes[1], "as many parameters as the package's encoder has"
    ids[0, 0] = 5 + (ids[0, 0] - 4) % 45
    assert not torch.allclose(model(ids)[0, 6], X[0, 6]), "every token depends on every other"


EXERCISE = Exercise(
    number="05.5",
    title="The encoder",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `ConvBert`, the encoder. It gets token ids, `[B, n]`, a mask or `None`, and token types or `None`, in this
order, and returns a vector for each token, `[B, n, d]`.

1. First come the `Embeddings` of exercise 01.1, then `num_hidden_layers` times the `EncoderLayer` of exercise 05.3
   (or `built("Embeddings", "EncoderLayer")`). Each layer has parameters of its own and gets the mask.
2. At the end of `__init__`, `init_weights` of exercise 05.4 sets the initial values, with the standard deviation
   `initializer_range` (this check does not look at them).

The lesson's own class also refuses configurations that it cannot build. Here that is not asked for.
""",
    solution=nano.ConvBert,
    cases=cases,
    shown=shown,
    hints=[
        "Layers in an ordinary Python list are invisible to PyTorch: their parameters are neither trained "
        "nor saved.",
        "nn.ModuleList holds the layers. A list that repeats one layer L times has the parameters of one "
        "layer only.",
        "A layer returns three things; the next layer needs the first of them.",
    ],
    mistakes=[
        Mistake(
            "the layers stand in a Python list",
            [
                ("nn.ModuleList(", "list("),
                ("in range(config.num_hidden_layers))", "in range(config.num_hidden_layers))"),
            ],
            "The parameters of your layers are missing. What does PyTorch need in place of an ordinary list?",
        ),
        Mistake(
            "one layer is used L times",
            [
                (
                    "EncoderLayer(config) for _ in range(config.num_hidden_layers)",
                    "[EncoderLayer(config)] * config.num_hidden_layers",
                )
            ],
            "Your model has fewer parameters than expected: the same layer is used again and again.",
        ),
        Mistake(
            "one layer too many",
            [("range(config.num_hidden_layers)", "range(config.num_hidden_layers + 1)")],
            "How many layers does the configuration ask for? You have one more.",
        ),
        Mistake(
            "the last layer is not called",
            [("for layer in self.layers:", "for layer in self.layers[:-1]:")],
            "Not every layer takes part: one gets no gradient.",
        ),
        Mistake(
            "every layer gets the embeddings",
            [
                (
                    "X = self.embeddings(input_ids, token_type_ids)",
                    "first = self.embeddings(input_ids, token_type_ids)",
                ),
                ("X, _, _ = layer(X, mask)", "X, _, _ = layer(first, mask)"),
            ],
            "Each of your layers reads the embeddings. It should read what the layer before it made.",
        ),
        Mistake(
            "the layers are called in reverse",
            [("for layer in self.layers:", "for layer in reversed(self.layers):")],
            "In which order are the layers called?",
        ),
        Mistake(
            "the mask is not handed on",
            [("layer(X, mask)", "layer(X)")],
            "Padding changes the other tokens through self-attention. Who has to know the mask?",
        ),
        Mistake(
            "the token types are not handed on",
            [("self.embeddings(input_ids, token_type_ids)", "self.embeddings(input_ids)")],
            "The token types have no influence on your result. Who has to know them?",
        ),
        Mistake(
            "the results of the layers are added",
            [("X, _, _ = layer(X, mask)", "X = X + layer(X, mask)[0]")],
            "The residual connections are inside the layers. You add once more around each layer.",
        ),
        Mistake(
            "all states are returned",
            [
                ("        for layer", "        states = []\n        for layer"),
                ("X, _, _ = layer(X, mask)", "X, _, _ = layer(X, mask); states.append(X)"),
                ("return X", "return states"),
            ],
            "Only the vectors of the last layer are returned.",
        ),
        Mistake(
            "the embeddings alone",
            [("X, _, _ = layer(X, mask)", "layer(X, mask)")],
            "Your layers compute something, but nobody keeps it: the embeddings are returned.",
        ),
    ],
    other_ways=[WithOtherNames, WithAddedModules, KeepingEverything],
)
