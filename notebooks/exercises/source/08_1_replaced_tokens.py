"""Exercise 08.1: what the discriminator reads, and what it should answer (lesson 08)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def replace_tokens(ids, masked, sampled, mask):
    """Return the corrupted ids and the labels of the discriminator: 1 replaced, 0 original, -100 padding."""
    corrupted = torch.where(masked, sampled, ids)
    labels = (corrupted != ids).long()
    return corrupted, labels.masked_fill(mask == 0, -100)


def by_loops(ids, masked, sampled, mask):
    """One position after the other."""
    corrupted, labels = ids.clone(), torch.zeros_like(ids)
    for b in range(ids.shape[0]):
        for t in range(ids.shape[1]):
            if masked[b, t]:
                corrupted[b, t] = sampled[b, t]
                labels[b, t] = int(sampled[b, t] != ids[b, t])
            if not mask[b, t]:
                labels[b, t] = -100
    return corrupted, labels


def with_indexing(tokens, chosen, guesses, mask):
    """Boolean indexing, and a product for the labels."""
    changed = tokens.clone()
    changed[chosen] = guesses[chosen]
    wrong = chosen & (guesses != tokens)
    return changed, wrong.long() * mask - 100 * (1 - mask)


def by_arithmetic(ids, masked, sampled, mask):
    """Differences of ids."""
    difference = (sampled - ids) * masked.long()
    labels = difference.abs().clamp(max=1)
    labels = torch.where(mask > 0, labels, torch.full_like(labels, -100))
    return ids + difference, labels


def cases():
    """Right and wrong guesses, with and without padding; only those at masked positions count."""
    for B, n, length in ((1, 6, 6), (3, 8, 5)):
        mask = (torch.arange(n) < length).long().expand(B, -1).clone()
        # Padding has the id 3: where it is, the mask says.
        ids = torch.randint(5, 12, (B, n)).masked_fill(mask == 0, 3)
        masked = (torch.rand(B, n) < 0.5) & (mask == 1)
        masked[:, 0] = True
        sampled = torch.randint(5, 12, (B, n))
        # A right guess and a wrong one, for certain.
        sampled[:, 0], sampled[:, 1], masked[:, 1] = ids[:, 0], ids[:, 1] + 1, True
        yield Case(f"{B} texts, {length} of {n} are tokens", (ids, masked, sampled, mask))


def shown(replace_tokens):
    """A wrong guess, a right guess, and padding."""
    ids, sampled = torch.tensor([[11, 12, 13, 0]]), torch.tensor([[21, 12, 23, 24]])
    masked, mask = torch.tensor([[True, True, False, False]]), torch.tensor([[1, 1, 1, 0]])
    corrupted, labels = replace_tokens(ids, masked, sampled, mask)
    assert corrupted.tolist() == [[21, 12, 13, 0]]
    assert labels.tolist() == [[1, 0, 0, -100]]


EXERCISE = Exercise(
    number="08.1",
    title="Replaced or original?",
    difficulty="easy",
    minutes=10,
    task=r"""
In replaced-token detection a generator guesses the masked tokens, and a discriminator says of every token whether
it was replaced. Write `replace_tokens(ids, masked, sampled, mask)`. All are `[B, n]`: the original ids; whether a
position was masked (boolean); the generator's guesses, of which only those at masked positions count; and 1 for
tokens, 0 for padding.

Return the ids that the discriminator reads, and its labels (integers): 1 for a replaced token, 0 for an original
one, -100 for padding. A guess that is right gives back the original token, so its label is 0.
""",
    solution=replace_tokens,
    cases=cases,
    shown=shown,
    hints=[
        "torch.where chooses, position by position, between two tensors.",
        "Compare what the discriminator reads with the original: that is all its labels depend on.",
    ],
    mistakes=[
        Mistake(
            "every masked position counts as replaced",
            [("(corrupted != ids).long()", "masked.long()")],
            "The generator sometimes guesses right. Is the token replaced then?",
        ),
        Mistake(
            "guesses everywhere",
            [("torch.where(masked, sampled, ids)", "sampled")],
            "The discriminator reads guesses at all positions in your function. Only masked positions have "
            "one that counts.",
        ),
        Mistake(
            "where is turned round",
            [("torch.where(masked, sampled, ids)", "torch.where(masked, ids, sampled)")],
            "You keep the original at masked positions and take the guess at all others.",
        ),
        Mistake(
            "the labels are exchanged",
            [("corrupted != ids", "corrupted == ids")],
            "Your labels are 1 for original tokens. Which class is 1?",
        ),
        Mistake(
            "padding has label 0",
            [("labels.masked_fill(mask == 0, -100)", "labels")],
            "Padding must not be learned from: its label is -100, which losses of PyTorch leave out.",
        ),
        Mistake(
            "tokens that were not masked are left out",
            [("mask == 0, -100", "~masked, -100")],
            "The discriminator learns from all tokens, not only from the masked ones. That is the point of "
            "this objective.",
        ),
        Mistake(
            "the mask is inverted",
            [("mask == 0, -100", "mask == 1, -100")],
            "Tokens have label -100 in your function, and padding does not.",
        ),
        Mistake(
            "labels of floating point",
            [("(corrupted != ids).long()", "(corrupted != ids).float()")],
            "The labels are integers.",
        ),
        Mistake(
            "the input is changed",
            [
                (
                    "corrupted = torch.where(masked, sampled, ids)",
                    "kept = ids.clone()\n    corrupted = ids.copy_(torch.where(masked, sampled, ids))",
                ),
                ("corrupted != ids", "corrupted != kept"),
            ],
            "You write into the tensor of the caller. Make a new one.",
        ),
    ],
    other_ways=[by_loops, with_indexing, by_arithmetic],
)
