"""Exercise 08.2: the loss of generator and discriminator together (lesson 08)"""

import torch
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def pretraining_loss(logits, ids, masked, scores, labels, weight):
    """Return the generator's loss plus `weight` times the discriminator's."""
    generator = functional.cross_entropy(logits[masked], ids[masked])
    tokens = labels != -100
    discriminator = functional.binary_cross_entropy_with_logits(scores[tokens], labels[tokens].float())
    return generator + weight * discriminator


def written_out(logits, ids, masked, scores, labels, weight):
    """Both losses from logarithms."""
    logs = torch.log_softmax(logits, dim=-1).gather(-1, ids[..., None])[..., 0]
    generator = -(logs * masked).sum() / masked.sum()
    counted = (labels >= 0).float()
    signs = 2.0 * labels.clamp(min=0) - 1
    discriminator = (functional.softplus(-signs * scores) * counted).sum() / counted.sum()
    return generator + discriminator * weight


def with_ignored_positions(logits, ids, masked, scores, labels, weight):
    """cross_entropy leaves -100 out; two classes whose scores are 0 and the given one."""
    targets = ids.masked_fill(~masked, -100)
    first = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    two = torch.stack([torch.zeros_like(scores), scores], dim=-1)
    second = functional.cross_entropy(two.flatten(0, 1), labels.flatten(), ignore_index=-100)
    return torch.add(first, second, alpha=weight)


def by_loops(logits, ids, masked, scores, labels, weight):
    """One position after the other."""
    ones, twos = [], []
    for b in range(len(ids)):
        for t in range(ids.shape[1]):
            if masked[b, t]:
                ones.append(logits[b, t].logsumexp(0) - logits[b, t, ids[b, t]])
            if labels[b, t] >= 0:
                p = torch.sigmoid(scores[b, t])
                twos.append(-torch.log(p if labels[b, t] == 1 else 1 - p))
    return torch.stack(ones).mean() + weight * torch.stack(twos).mean()


def cases():
    """With and without padding, two weights."""
    for lengths, n, weight in (([6], 6, 50.0), ([7, 4, 2], 7, 2.0)):
        B = len(lengths)
        mask = torch.arange(n) < torch.tensor(lengths)[:, None]
        ids = torch.randint(0, 9, (B, n))
        masked = (torch.rand(B, n) < 0.4) & mask
        masked[:, 1] = True
        labels = (torch.rand(B, n) < 0.3).long().masked_fill(~mask, -100)
        logits, scores = torch.randn(B, n, 9), torch.randn(B, n)
        yield Case(
            f"texts of {lengths} tokens, weight {weight}",
            (logits, ids, masked, scores, labels, weight),
        )


def shown(pretraining_loss):
    """Scores of 0: the generator is as unsure as between four tokens, the discriminator as between two."""
    logits, scores = torch.zeros(1, 3, 4), torch.zeros(1, 3)
    ids, masked = torch.tensor([[1, 2, 3]]), torch.tensor([[True, False, False]])
    loss = pretraining_loss(logits, ids, masked, scores, torch.tensor([[1, 0, -100]]), 50.0)
    torch.testing.assert_close(loss, torch.tensor(4.0).log() + 50 * torch.tensor(2.0).log())


EXERCISE = Exercise(
    number="08.2",
    title="Two losses in one",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `pretraining_loss(logits, ids, masked, scores, labels, weight)`, the loss of replaced-token detection.

1. The generator has scores `logits`, `[B, n, v]`; its loss is the cross-entropy with the true ids, `[B, n]`, in
   the mean over all positions where `masked`, `[B, n]`, is true.
2. The discriminator has one score for each token, `scores`, `[B, n]`; above 0 means *replaced*. Its loss is the
   binary cross-entropy with `labels`, `[B, n]`, in the mean over all positions whose label is not -100.
3. Return the first loss plus `weight` times the second, as a tensor of one number.
""",
    solution=pretraining_loss,
    cases=cases,
    shown=shown,
    hints=[
        "logits[masked] keeps the rows of the masked positions: [number of them, v].",
        "functional.binary_cross_entropy_with_logits takes scores as they are, and labels of floating point.",
        "The mean is over all counted positions of the batch at once, not text by text.",
    ],
    mistakes=[
        Mistake(
            "the generator learns from all positions",
            [
                (
                    "functional.cross_entropy(logits[masked], ids[masked])",
                    "functional.cross_entropy(logits.flatten(0, 1), ids.flatten())",
                )
            ],
            "Your first loss is a mean over all positions. The generator is asked at masked positions only.",
        ),
        Mistake(
            "the discriminator learns from masked positions only",
            [("tokens = labels != -100", "tokens = masked & (labels != -100)")],
            "Your second loss looks at masked positions only. The discriminator is asked about every token.",
        ),
        Mistake(
            "padding counts",
            [("scores[tokens], labels[tokens].float()", "scores, labels.clamp(min=0).float()")],
            "Padding counts in your second loss.",
        ),
        Mistake(
            "the second mean is taken text by text",
            [
                (
                    "functional.binary_cross_entropy_with_logits(scores[tokens], labels[tokens].float())",
                    "torch.stack([functional.binary_cross_entropy_with_logits(s[k], l[k].float()) "
                    "for s, l, k in zip(scores, labels, tokens)]).mean()",
                )
            ],
            "Each text counts the same in your second loss, however short it is. The mean is over all counted "
            "positions of the batch.",
        ),
        Mistake(
            "sums in place of means",
            [
                ("ids[masked])", "ids[masked], reduction='sum')"),
                ("labels[tokens].float())", "labels[tokens].float(), reduction='sum')"),
            ],
            "Your losses are sums over positions: they grow with the batch.",
        ),
        Mistake(
            "no weight",
            [("generator + weight * discriminator", "generator + discriminator")],
            "Both losses count the same in your function. What is `weight` for?",
        ),
        Mistake(
            "the weight is at the wrong loss",
            [("generator + weight * discriminator", "weight * generator + discriminator")],
            "Which of the two losses is multiplied by the weight?",
        ),
        Mistake(
            "the sigmoid comes twice",
            [("scores[tokens], labels", "torch.sigmoid(scores[tokens]), labels")],
            "binary_cross_entropy_with_logits takes scores; you give it probabilities.",
        ),
        Mistake(
            "the softmax comes twice",
            [("logits[masked], ids", "torch.softmax(logits[masked], dim=-1), ids")],
            "cross_entropy takes scores; you give it probabilities.",
        ),
        Mistake(
            "the squared error",
            [
                (
                    "functional.binary_cross_entropy_with_logits(scores[tokens], ",
                    "functional.mse_loss(torch.sigmoid(scores[tokens]), ",
                )
            ],
            "The discriminator's loss is a binary cross-entropy, not a squared error.",
        ),
        Mistake(
            "above 0 means original",
            [("labels[tokens].float()", "1 - labels[tokens].float()")],
            "A score above 0 should mean replaced, and label 1 is replaced.",
        ),
    ],
    other_ways=[written_out, with_ignored_positions, by_loops],
)
