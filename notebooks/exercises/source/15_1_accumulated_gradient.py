"""Exercise 15.1: the gradient of a batch that is read in pieces (lesson 15, sections 1 and 2)."""

import torch
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def accumulated(W, pieces):
    """Return the loss of all labelled tokens, and its gradient, from one piece after the other."""
    count = sum(int((labels != -100).sum()) for _, labels in pieces)
    loss, gradient = 0.0, torch.zeros_like(W)
    for X, labels in pieces:
        logits = (X @ W).flatten(0, 1)
        part = functional.cross_entropy(logits, labels.flatten(), ignore_index=-100, reduction="sum") / count
        gradient = gradient + torch.autograd.grad(part, W)[0]
        loss = loss + part.item()
    return loss, gradient


def with_backward(W, pieces):
    """backward() adds to W.grad by itself."""
    W = W.detach().clone().requires_grad_()
    tokens = [int(labels.ge(0).sum()) for _, labels in pieces]
    losses = []
    for (X, labels), number in zip(pieces, tokens, strict=True):
        if not number:
            continue
        scores = torch.einsum("bnd,dv->bvn", X, W)
        mean = functional.cross_entropy(scores, labels, ignore_index=-100)
        weighted = mean * number / sum(tokens)
        weighted.backward()
        losses.append(weighted.item())
    return sum(losses), W.grad


def by_hand(W, pieces):
    """The gradient of cross-entropy by its formula: probabilities minus the labels as one-hot rows."""
    with torch.no_grad():
        total, loss, gradient = 0, torch.tensor(0.0), torch.zeros(W.shape)
        for X, labels in pieces:
            kept = labels != -100
            rows, wanted = X[kept], labels[kept]
            log_probs = (rows @ W).log_softmax(dim=-1)
            loss = loss - log_probs[torch.arange(len(wanted)), wanted].sum()
            gradient += rows.T @ (log_probs.exp() - functional.one_hot(wanted, W.shape[1]))
            total += len(wanted)
        return (loss / total).item(), gradient / total


def sums_first(W, pieces):
    """Sums over the pieces, and one division in the end."""
    sums = [
        functional.cross_entropy((X @ W).reshape(-1, W.shape[1]), labels.reshape(-1), reduction="sum")
        for X, labels in pieces
    ]
    gradients = [torch.autograd.grad(each, W, retain_graph=True)[0] for each in sums]
    labelled = torch.cat([labels.reshape(-1) for _, labels in pieces]) >= 0
    return sum(each.item() for each in sums) / int(labelled.sum()), torch.stack(gradients).sum(
        dim=0
    ) / labelled.sum()


def cases():
    """Pieces with as many labels, with different numbers of them, one of them without any."""
    for name, shapes in (
        ("pieces with different numbers of labels", [(2, 4, 7), (2, 4, 2), (1, 4, 1)]),
        ("pieces of different lengths", [(2, 3, 5), (2, 6, 9)]),
        ("a piece without a label", [(2, 3, 2), (1, 3, 0), (2, 3, 5)]),
        ("one piece", [(2, 5, 4)]),
    ):
        pieces = []
        for rows, n, labelled in shapes:
            labels = torch.full((rows * n,), -100)
            places = torch.randperm(rows * n)[:labelled]
            labels[places] = torch.randint(0, 3, (labelled,))
            pieces.append((torch.randn(rows, n, 4), labels.view(rows, n)))
        yield Case(name, (torch.randn(4, 3, requires_grad=True), pieces))


def shown(accumulated):
    """Three labels in the first piece, one in the second: as the mean over all four."""
    torch.manual_seed(1)
    W, X = torch.randn(4, 3, requires_grad=True), torch.randn(2, 3, 4)
    labels = torch.tensor([[0, 2, 1], [1, -100, -100]])
    whole = functional.cross_entropy((X @ W).flatten(0, 1), labels.flatten(), ignore_index=-100)
    loss, gradient = accumulated(W, [(X[:1], labels[:1]), (X[1:], labels[1:])])
    torch.testing.assert_close(torch.tensor(loss), whole.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(whole, W)[0])


EXERCISE = Exercise(
    number="15.1",
    title="One large batch in pieces",
    difficulty="medium",
    minutes=20,
    task=r"""
A batch is too large for the memory, so it is read in pieces. Write `accumulated(W, pieces)`. Here the model is one
matrix $W$, `[d, v]`, which requires a gradient. A piece is a pair of hidden states $X$, `[B, n, d]`, and labels,
`[B, n]`; the logits are $X W$, and a label of -100 means that a token has none.

The loss of the batch is the mean cross-entropy over **all** its labelled tokens, in whichever piece they are. Return
this loss, a number, and its gradient with respect to $W$, a tensor `[d, v]`. Compute one piece after the other, so
that the logits of only one of them are needed at a time. A piece may have no label at all; at least one piece has some.
""",
    solution=accumulated,
    cases=cases,
    shown=shown,
    hints=[
        "The loss of the batch is a sum over the pieces, divided by a number that is known before the first.",
        "`functional.cross_entropy` takes the mean unless you give it another `reduction`.",
        "`torch.autograd.grad(part, W)[0]` is the gradient of one piece's part of the loss. The gradient of a sum is "
        "the sum of the gradients.",
    ],
    mistakes=[
        Mistake(
            "the mean of the means",
            [('reduction="sum") / count', 'reduction="mean") / len(pieces)')],
            "You take the mean of the pieces' means. A piece with few labels must not count as much as one with many.",
        ),
        Mistake(
            "a piece without labels gives NaN",
            [('reduction="sum") / count', 'reduction="mean") * (labels != -100).sum() / count')],
            "A mean over no token is NaN, and NaN times 0 is NaN. What do you do with a piece without a label?",
        ),
        Mistake(
            "the sum of the means",
            [('reduction="sum") / count', 'reduction="mean")')],
            "You add up the means of the pieces: with three pieces the gradient is about three times too large.",
        ),
        Mistake(
            "the sum over the tokens",
            [('reduction="sum") / count', 'reduction="sum")')],
            "Your loss grows with the number of labels. It must be divided by how many there are in the whole batch.",
        ),
        Mistake(
            "tokens without a label are counted",
            [("int((labels != -100).sum())", "labels.numel()")],
            "You divide by the number of all tokens. Those without a label have no loss.",
        ),
        Mistake(
            "weighted by rows",
            [
                ("int((labels != -100).sum())", "len(labels)"),
                ('reduction="sum") / count', 'reduction="mean") * len(labels) / count'),
            ],
            "You weigh the pieces by their rows. The loss is a mean over tokens: what should they be weighed by?",
        ),
        Mistake(
            "the mean of the last piece",
            [("gradient = gradient + torch", "gradient = torch"), ("loss = loss + part", "loss = part")],
            "Only the last piece is in your result. What comes from each piece has to be added up.",
        ),
        Mistake(
            "only the last gradient",
            [("gradient = gradient + torch", "gradient = torch")],
            "The loss is right, but your gradient is that of the last piece.",
        ),
        Mistake(
            "only the last loss",
            [("loss = loss + part.item()", "loss = part.item()")],
            "The gradient is right, but your loss is only the part of the last piece.",
        ),
        Mistake(
            "divided twice",
            [("return loss, gradient", "return loss / len(pieces), gradient / len(pieces)")],
            "You divide by the number of pieces as well. The parts already add up to the mean over all labels.",
        ),
        Mistake(
            "the other result first",
            [("return loss, gradient", "return gradient, loss")],
            "The loss comes first, then the gradient.",
        ),
    ],
    other_ways=[with_backward, by_hand, sums_first],
)
