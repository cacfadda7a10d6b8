"""Exercise 01.1: the embeddings, which lesson 01 builds in section 4."""

import torch
from torch import nn
from torch.nn import functional

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake


class ByRows(nn.Module):
    """Three plain matrices, read row by row with indexing, and LayerNorm written out."""

    def __init__(self, config):
        super().__init__()
        e, d = config.embedding_size, config.hidden_size
        self.epsilon, self.pad, self.p = (
            config.layer_norm_eps,
            config.pad_token_id,
            config.hidden_dropout_prob,
        )
        self.E = nn.Parameter(torch.rand(config.vocab_size, e))
        self.E_pos = nn.Parameter(torch.rand(config.max_position_embeddings, e))
        self.E_type = nn.Parameter(torch.rand(config.type_vocab_size, e))
        self.factor, self.shift = nn.Parameter(torch.ones(e)), nn.Parameter(torch.zeros(e))
        self.narrow = e != d
        if self.narrow:
            self.last = nn.Linear(e, d)

    def forward(self, input_ids, token_type_ids=None):
        if token_type_ids is None:
            token_type_ids = input_ids * 0
        is_pad = (input_ids == self.pad)[..., None]
        rows = torch.where(is_pad, self.E[input_ids].detach(), self.E[input_ids])
        rows = rows + self.E_pos[: input_ids.shape[1]] + self.E_type[token_type_ids]
        centred = rows - rows.mean(dim=-1, keepdim=True)
        spread = (centred.pow(2).mean(dim=-1, keepdim=True) + self.epsilon).sqrt()
        rows = functional.dropout(centred / spread * self.factor + self.shift, self.p, self.training)
        return self.last(rows) if self.narrow else rows


class WithOneHot(nn.Module):
    """A row of a matrix is a product with a vector that is 1 in one place."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.tokens = nn.Embedding(cfg.vocab_size, cfg.embedding_size, padding_idx=cfg.pad_token_id)
        self.places = nn.Parameter(torch.zeros(cfg.max_position_embeddings, cfg.embedding_size))
        self.segments = nn.Parameter(torch.zeros(cfg.type_vocab_size, cfg.embedding_size))
        self.norm = nn.LayerNorm(cfg.embedding_size, eps=cfg.layer_norm_eps)
        self.drop = nn.Dropout(cfg.hidden_dropout_prob)
        if cfg.embedding_size != cfg.hidden_size:
            self.widen = nn.Linear(cfg.embedding_size, cfg.hidden_size)

    def forward(self, ids, types=None):
        if types is None:
            types = torch.zeros_like(ids)
        places = torch.eye(len(self.places))[: ids.shape[1]] @ self.places
        segments = functional.one_hot(types, len(self.segments)).float() @ self.segments
        X = self.drop(self.norm(self.tokens(ids) + segments + places))
        return self.widen(X) if hasattr(self, "widen") else X


class TextByText(nn.Module):
    """A loop over the texts and the tokens."""

    def __init__(self, config):
        super().__init__()
        e = config.embedding_size
        self.word = nn.Embedding(config.vocab_size, e, config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, e)
        self.token_type = nn.Embedding(config.type_vocab_size, e)
        self.layer_norm = nn.LayerNorm(e, config.layer_norm_eps)
        self.projection = nn.Linear(e, config.hidden_size) if e != config.hidden_size else nn.Sequential()
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids, token_type_ids=None):
        texts = []
        for b, ids in enumerate(input_ids):
            vectors = []
            for t, token in enumerate(ids):
                kind = token_type_ids[b, t] if token_type_ids is not None else torch.tensor(0)
                vector = self.word(token) + self.position(torch.tensor(t)) + self.token_type(kind)
                vectors.append(self.projection(self.dropout(self.layer_norm(vector))))
            texts.append(torch.stack(vectors))
        return torch.stack(texts)


def cases():
    """With and without token types, with padding, with a narrow and with an equal embedding size."""
    for name, texts, n, with_types, changes in (
        ("one text", 1, 5, False, {}),
        (
            "three texts with padding and two segments",
            3,
            8,
            True,
            dict(pad_token_id=3, hidden_dropout_prob=1 - 1e-9),
        ),
        (
            "e = d, a large epsilon",
            2,
            6,
            True,
            dict(embedding_size=16, layer_norm_eps=0.5, hidden_dropout_prob=1 - 1e-9),
        ),
    ):
        sizes = dict(vocab_size=30, embedding_size=12, hidden_size=16, max_position_embeddings=10)
        config = ConvBertConfig.tiny(**(sizes | changes))
        ids = torch.randint(5, 30, (texts, n))
        ids[-1, n - 2 :] = config.pad_token_id
        types = (torch.arange(n) > n // 2).long().expand(texts, -1)
        yield Case(name, (ids, types) if with_types else (ids,), (config,))


def shown(Embeddings):
    """Look at the shape and at the mean, and whether a token keeps its vector when it moves."""
    config = ConvBertConfig.tiny(vocab_size=30, embedding_size=128)
    embeddings = Embeddings(config).eval()
    for parameter in embeddings.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter)
    X = embeddings(torch.tensor([[7, 9, 7]]))
    assert X.shape == (1, 3, config.hidden_size)
    assert X.mean(dim=-1).abs().max() < 1e-5, "LayerNorm gives each vector the mean 0"
    assert not torch.allclose(X[0, 0], X[0, 2]), "the same token at another position has another vector"


EXERCISE = Exercise(
    number="01.1",
    title="Embeddings",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `Embeddings`: from token ids, `[B, n]`, it makes the input of the encoder, `[B, n, d]`.

$$X = \mathrm{LayerNorm}(E[\mathrm{ids}] + E_{pos}[0, 1, \dots, n - 1] + E_{type}[\mathrm{types}])$$

1. $E$ is `[v, e]`. Looking up `pad_token_id` gives its row no gradient.
2. $E_{pos}$ is `[max_position_embeddings, e]`, and $E_{type}$ is `[type_vocab_size, e]`. Without token types, all
   are 0.
3. LayerNorm has the epsilon `layer_norm_eps`. Dropout (`hidden_dropout_prob`) comes after it.
4. At the end a dense layer leads from $e$ to $d$, only where the two differ.
""",
    solution=nano.Embeddings,
    cases=cases,
    shown=shown,
    hints=[
        "nn.Embedding looks up rows of a matrix. One of its arguments names a row that gets no gradient from this.",
        "The positions are the same for all texts: the numbers from 0 to n - 1, for which torch.arange is "
        "made.",
        "Where e equals d, nn.Identity() can stand in the place of the dense layer.",
    ],
    mistakes=[
        Mistake(
            "no position embeddings",
            [(" + self.position(positions)", "")],
            "Does the same token get the same vector at two positions in your class? It should not.",
        ),
        Mistake(
            "no token types",
            [(" + self.token_type(types)", "")],
            "Three embeddings are added. Which one does not reach your sum?",
        ),
        Mistake(
            "positions from 1",
            [("torch.arange(input_ids.shape[1],", "torch.arange(1, input_ids.shape[1] + 1,")],
            "Which row of E_pos belongs to the first token?",
        ),
        Mistake(
            "positions in reverse",
            [("device=input_ids.device)", "device=input_ids.device).flip(0)")],
            "Your positions run backwards: the first token has position 0.",
        ),
        Mistake(
            "missing token types are 1",
            [("torch.zeros_like(input_ids)", "torch.ones_like(input_ids)")],
            "Without token types every token belongs to the first segment. What is its number?",
        ),
        Mistake(
            "no LayerNorm",
            [("self.dropout(self.layer_norm(X))", "self.dropout(X)")],
            "The three embeddings were added. What brings each vector to mean 0 before it goes on?",
        ),
        Mistake(
            "LayerNorm after the dense layer",
            [
                ("nn.LayerNorm(e,", "nn.LayerNorm(d,"),
                ("self.dropout(self.layer_norm(X))", "self.dropout(X)"),
                ("return self.projection(X)", "return self.layer_norm(self.projection(X))"),
            ],
            "LayerNorm stands before the dense layer, so it has e factors, not d.",
        ),
        Mistake(
            "the default epsilon",
            [(", eps=config.layer_norm_eps", "")],
            "nn.LayerNorm has an epsilon of its own. Which one does the configuration ask for?",
        ),
        Mistake(
            "no dropout",
            [("self.dropout(self.layer_norm(X))", "self.layer_norm(X)")],
            "In training some numbers are set to 0 after LayerNorm. Where is that in your class?",
        ),
        Mistake(
            "dropout after the dense layer",
            [
                ("self.dropout(self.layer_norm(X))", "self.layer_norm(X)"),
                ("return self.projection(X)", "return self.dropout(self.projection(X))"),
            ],
            "Your dropout comes at the very end. It comes right after LayerNorm, before the dense layer.",
        ),
        Mistake(
            "padding always has the id 0",
            [("padding_idx=config.pad_token_id", "padding_idx=0")],
            "Padding does not have the id 0 in every vocabulary. The configuration says which id it has.",
        ),
        Mistake(
            "the row of padding is trained",
            [(", padding_idx=config.pad_token_id", "")],
            "Looking up padding gives its row of E no gradient. nn.Embedding has an argument for that row.",
        ),
        Mistake(
            "a dense layer also where e equals d",
            [(" if e != d else nn.Identity()", "")],
            "The dense layer is there only where e and d differ; else nothing stands in its place.",
        ),
        Mistake(
            "the sum is scaled",
            [("self.word(input_ids) + ", "self.word(input_ids) * self.word.weight.shape[1] ** 0.5 + ")],
            "Some Transformers multiply the token's row by the root of its length. This one does not.",
        ),
        Mistake(
            "one LayerNorm for each embedding",
            [
                (
                    "self.word(input_ids) + self.position(positions) + self.token_type(types)",
                    "self.layer_norm(self.word(input_ids)) + self.layer_norm(self.position(positions)) + "
                    "self.layer_norm(self.token_type(types))",
                ),
                ("self.dropout(self.layer_norm(X))", "self.dropout(X)"),
            ],
            "First the three rows are added, then LayerNorm looks at the sum, once.",
        ),
    ],
    other_ways=[ByRows, WithOneHot, TextByText],
)
