"""Exercise 00.2: which tokens fit in the place of [MASK]? (lesson 00)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def fill_mask(logits, ids, mask_id, vocabulary, count):
    """Return the likeliest tokens for the masked position with their probabilities, the likeliest first."""
    position = ids.tolist().index(mask_id)
    probs = torch.softmax(logits[position], dim=-1)
    best = probs.topk(count)
    return [(vocabulary[i], p) for i, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def by_sorting(logits, ids, mask_id, vocabulary, count):
    """All entries are sorted."""
    (row,) = logits[ids == mask_id]
    probs = row.exp() / row.exp().sum()
    order = sorted(range(len(vocabulary)), key=lambda i: -float(row[i]))
    return [(vocabulary[i], float(probs[i])) for i in order[:count]]


def one_by_one(scores, ids, mask_id, words, count):
    """The best is taken out, again and again."""
    place = int((ids == mask_id).nonzero()[0, 0])
    left = dict(zip(words, torch.softmax(scores, dim=1)[place].tolist(), strict=True))
    found = []
    for _ in range(count):
        best = max(left, key=left.get)
        found.append((best, left.pop(best)))
    return found


def with_log_probabilities(logits, ids, mask_id, vocabulary, count):
    """Logarithms until the end."""
    for token, row in zip(ids, logits, strict=True):
        if token == mask_id:
            logs = row - torch.logsumexp(row, dim=0)
    values, indices = torch.sort(logs, descending=True)
    return [
        (vocabulary[int(i)], float(v.exp())) for v, i in zip(values[:count], indices[:count], strict=True)
    ]


def cases():
    """The mask at several positions, and several numbers of tokens."""
    vocabulary = ["[PAD]", "[MASK]", "a", "good", "bad", "film", "year", "##s"]
    for n, place, count in ((5, 2, 3), (4, 0, 1), (6, 5, 8)):
        ids = torch.randint(2, 8, (n,))
        ids[place] = 1
        yield Case(f"[MASK] at position {place} of {n}", (2 * torch.randn(n, 8), ids, 1, vocabulary, count))
    yield Case("another id for [MASK]", (torch.randn(3, 8), torch.tensor([2, 6, 1]), 6, vocabulary, 2))


def shown(fill_mask):
    """Three entries in the vocabulary."""
    found = fill_mask(
        torch.tensor([[0.0, 9.0, 0.0], [0.0, 1.0, 2.0]]),
        torch.tensor([1, 0]),
        0,
        ["[MASK]", "bad", "good"],
        1,
    )
    assert found[0][0] == "good"
    assert abs(found[0][1] - 0.665) < 0.001


EXERCISE = Exercise(
    number="00.2",
    title="Fill in a masked word",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `fill_mask(logits, ids, mask_id, vocabulary, count)` for one text of $n$ tokens. `logits`, `[n, v]`, has a
score for each position and each entry of the vocabulary; `ids`, `[n]`, holds the tokens, exactly one of which is
`mask_id`; `vocabulary` is a list of $v$ tokens. Return the `count` likeliest tokens for that position in a list of
pairs (token, probability), the likeliest first.
""",
    solution=fill_mask,
    cases=cases,
    shown=shown,
    hints=[
        "Only one row of the scores is needed: that of the masked position.",
        "The softmax over the vocabulary makes probabilities of the scores; topk finds the largest ones.",
    ],
    mistakes=[
        Mistake(
            "the first position",
            [("logits[position]", "logits[0]")],
            "Which row of the scores belongs to [MASK]? You take the first one.",
        ),
        Mistake(
            "the last position",
            [("logits[position]", "logits[-1]")],
            "Which row of the scores belongs to [MASK]? You take the last one.",
        ),
        Mistake(
            "scores in place of probabilities",
            [("torch.softmax(logits[position], dim=-1)", "logits[position]")],
            "Your numbers are scores. What makes probabilities of them?",
        ),
        Mistake(
            "logarithms of probabilities",
            [("torch.softmax(", "torch.log_softmax(")],
            "Your numbers are logarithms of probabilities.",
        ),
        Mistake(
            "softmax over the positions",
            [("torch.softmax(logits[position], dim=-1)", "torch.softmax(logits, dim=0)[position]")],
            "Your softmax runs over the positions. The probabilities of all entries at one position sum to "
            "1.",
        ),
        Mistake(
            "the unlikeliest",
            [("probs.topk(count)", "probs.topk(count, largest=False)")],
            "You return the tokens with the smallest probabilities.",
        ),
        Mistake(
            "ids in place of tokens",
            [("(vocabulary[i], p)", "(i, p)")],
            "You return ids. Which token of the vocabulary does an id stand for?",
        ),
        Mistake(
            "the order in the pair",
            [("(vocabulary[i], p)", "(p, vocabulary[i])")],
            "In each pair the token comes first, then its probability.",
        ),
        Mistake(
            "the probabilities of the shown tokens sum to 1",
            [
                (
                    "probs.topk(count)",
                    "probs.topk(count)\n    best = type(best)((best.values / best.values.sum(), "
                    "best.indices))",
                )
            ],
            "The probabilities of your tokens sum to 1. It is those of the whole vocabulary that do.",
        ),
        Mistake(
            "one token too few",
            [("probs.topk(count)", "probs.topk(max(1, count - 1))")],
            "How many tokens are asked for?",
        ),
    ],
    other_ways=[by_sorting, one_by_one, with_log_probabilities],
)
