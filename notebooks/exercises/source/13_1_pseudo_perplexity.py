"""Exercise 13.1: pseudo-perplexity, each token masked in turn (lesson 13)"""

import math

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def pseudo_perplexity(score, ids, mask_id, special):
    """Return exp of the mean surprise at the tokens of a text, each masked in turn, without special tokens."""
    surprises = []
    for t, token in enumerate(ids.tolist()):
        if token in special:
            continue
        hidden = ids.clone()
        hidden[t] = mask_id
        logs = torch.log_softmax(score(hidden[None])[0, t], dim=-1)
        surprises.append(-logs[token].item())
    return math.exp(sum(surprises) / len(surprises))


def in_one_batch(score, ids, mask_id, special):
    """All masked copies of the text go through the model together."""
    places = [t for t in range(len(ids)) if int(ids[t]) not in special]
    copies = ids.repeat(len(places), 1)
    rows = torch.arange(len(places))
    copies[rows, places] = mask_id
    logits = score(copies)[rows, places]
    return torch.nn.functional.cross_entropy(logits, ids[places]).exp().item()


def with_products(score, ids, mask_id, special):
    """The geometric mean of probabilities, turned upside down."""
    product, count = 1.0, 0
    for t in range(ids.numel()):
        if int(ids[t]) in special:
            continue
        copy = torch.cat([ids[:t], torch.tensor([mask_id]), ids[t + 1 :]])
        p = score(copy.unsqueeze(0)).squeeze(0)[t].softmax(dim=0)[ids[t]]
        product, count = product * float(p), count + 1
    return product ** (-1 / count)


def with_a_mask(score, ids, mask_id, special):
    """One copy for each position, the unwanted ones left out at the end."""
    n = len(ids)
    copies = torch.where(torch.eye(n, dtype=torch.bool), torch.tensor(mask_id), ids.expand(n, n))
    logs = score(copies).log_softmax(dim=-1).diagonal(dim1=0, dim2=1).T.gather(1, ids[:, None])[:, 0]
    wanted = ~torch.isin(ids, torch.tensor(special))
    return math.exp(-logs[wanted].mean().item())


def model(ids):
    """Stand for a model: scores depend on the tokens around, and strongly on a token that is not masked."""
    if ids.dim() != 2:
        raise ValueError(f"the model reads ids of the shape [texts, n], not {list(ids.shape)}")
    v = torch.arange(12.0)
    around = torch.cumsum(torch.sin(ids.float()), dim=1) + torch.flip(
        torch.cumsum(torch.flip(torch.cos(ids.float()), [1]), 1), [1]
    )
    itself = 4.0 * torch.nn.functional.one_hot(ids, 12) * (ids != 4)[..., None]
    return torch.sin(around[..., None] * (v + 1) / 3) * 2 + itself


def cases():
    """Short and long texts with special tokens, and one without."""
    for ids in ([2, 7, 9, 3], [2, 5, 11, 8, 6, 3], [7, 8], [2, 10, 3, 9, 3]):
        yield Case(f"ids {ids}", (model, torch.tensor(ids), 4, [0, 2, 3]))


def shown(pseudo_perplexity):
    """A model that knows nothing is as unsure as between all entries of its vocabulary."""
    found = pseudo_perplexity(lambda ids: torch.zeros(*ids.shape, 50), torch.tensor([2, 7, 9, 3]), 4, [2, 3])
    assert abs(found - 50) < 0.01


EXERCISE = Exercise(
    number="13.1",
    title="Pseudo-perplexity",
    difficulty="medium",
    minutes=20,
    task=r"""
Write `pseudo_perplexity(score, ids, mask_id, special)` for one text, `ids`, `[n]`. The model is a function:
`score(ids)` takes `[texts, n]` and returns logits, `[texts, n, v]`. Mask each token in turn (put `mask_id` in its
place), all others in sight, and take the surprise $-\ln p$ of the token that was masked, at its position. Tokens in
the list `special` are never masked and do not count. Return $e$ to the power of the mean surprise.
""",
    solution=pseudo_perplexity,
    cases=cases,
    shown=shown,
    hints=[
        "A copy of the text is needed for each token: in each copy one token is masked.",
        "The softmax over the vocabulary makes probabilities of the logits at the masked position.",
    ],
    mistakes=[
        Mistake(
            "nothing is hidden",
            [("hidden[t] = mask_id", "pass")],
            "The model sees the token that it is asked for. What has to stand in its place?",
        ),
        Mistake(
            "everything is hidden at once",
            [("hidden[t] = mask_id", "hidden[:] = mask_id")],
            "You mask all tokens at once. Only one is masked at a time.",
        ),
        Mistake(
            "hidden tokens stay hidden",
            [
                ("surprises = []", "surprises = []\n    hidden = ids.clone()"),
                ("        hidden = ids.clone()\n        hidden[t]", "        hidden[t]"),
            ],
            "A token that was masked is still masked when the next one is. Each needs a fresh copy.",
        ),
        Mistake(
            "special tokens count",
            [("if token in special:", "if False:")],
            "Special tokens count in your mean.",
        ),
        Mistake(
            "the mean is over all positions",
            [("/ len(surprises)", "/ len(ids)")],
            "You divide by the number of positions. How many tokens were masked?",
        ),
        Mistake(
            "the surprise itself",
            [("math.exp(sum(surprises) / len(surprises))", "sum(surprises) / len(surprises)")],
            "That is the mean surprise. Perplexity is e to its power.",
        ),
        Mistake(
            "the sum",
            [("sum(surprises) / len(surprises)", "sum(surprises)")],
            "Your number grows with the length of the text: it comes from the sum of the surprises.",
        ),
        Mistake(
            "the mean of perplexities",
            [("math.exp(sum(surprises) / len(surprises))", "sum(map(math.exp, surprises)) / len(surprises)")],
            "You average perplexities. The mean is taken of the surprises, before the exponential.",
        ),
        Mistake(
            "the sign",
            [("surprises.append(-logs", "surprises.append(logs")],
            "Your number is below 1. What is the sign of the logarithm of a probability?",
        ),
        Mistake(
            "logarithms to the base 2",
            [("-logs[token].item()", "-logs[token].item() / math.log(2)")],
            "The surprise has a logarithm to the base 2, and the power is of e. Both must fit.",
        ),
        Mistake(
            "the position before",
            [("[0, t], dim=-1)", "[0, t - 1], dim=-1)")],
            "You read the logits of another position. A masked-LM predicts a token at its own position.",
        ),
        Mistake(
            "logits in place of logarithms",
            [("torch.log_softmax(score(hidden[None])[0, t], dim=-1)", "score(hidden[None])[0, t]")],
            "Logits are no logarithms of probabilities yet.",
        ),
    ],
    other_ways=[in_one_batch, with_products, with_a_mask],
)
