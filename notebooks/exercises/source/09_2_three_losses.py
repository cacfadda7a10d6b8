"""Exercise 09.2: one head, three losses (lesson 09)"""

import torch
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def classification_loss(logits, labels, problem_type):
    """Return the loss of a classification head, in the mean over the batch."""
    if problem_type == "regression":
        return functional.mse_loss(logits.squeeze(-1), labels)
    if problem_type == "single_label_classification":
        return functional.cross_entropy(logits, labels)
    if problem_type == "multi_label_classification":
        return functional.binary_cross_entropy_with_logits(logits, labels)
    raise ValueError(f"problem_type is {problem_type!r}")


def written_out(logits, labels, problem_type):
    """Each loss from its formula."""
    if problem_type == "regression":
        return ((logits[:, 0] - labels) ** 2).sum() / len(labels)
    if problem_type == "single_label_classification":
        right = logits[torch.arange(len(labels)), labels]
        return (logits.logsumexp(dim=1) - right).mean()
    if problem_type != "multi_label_classification":
        raise ValueError("unknown")
    p = torch.sigmoid(logits)
    return -(labels * p.log() + (1 - labels) * (1 - p).log()).mean()


def with_modules(scores, labels, problem_type):
    """The losses as modules in a dictionary."""
    losses = {
        "regression": torch.nn.MSELoss(),
        "single_label_classification": torch.nn.CrossEntropyLoss(),
        "multi_label_classification": torch.nn.BCEWithLogitsLoss(),
    }
    if problem_type not in losses:
        raise ValueError(f"know {list(losses)}, not {problem_type}")
    return losses[problem_type](scores.view(-1) if problem_type == "regression" else scores, labels)


def by_logarithms(logits, labels, problem_type):
    """The logarithms of probabilities, and what the labels pick of them."""
    match problem_type:
        case "regression":
            return (logits.flatten() - labels).square().mean()
        case "single_label_classification":
            return functional.nll_loss(logits.log_softmax(dim=-1), labels)
        case "multi_label_classification":
            yes, no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
            return -torch.where(labels > 0.5, yes, no).mean()
    raise ValueError(problem_type)


def cases():
    """Each kind with several sizes, and a kind that there is not."""
    for texts, classes in ((5, 3), (1, 2)):
        logits = torch.randn(texts, classes)
        yield Case(
            f"one of {classes} classes, {texts} texts",
            (logits, torch.randint(0, classes, (texts,)), "single_label_classification"),
        )
        several = (torch.rand(texts, classes) < 0.5).float()
        yield Case(
            f"several of {classes} classes, {texts} texts", (logits, several, "multi_label_classification")
        )
    yield Case("a number for each text", (torch.randn(4, 1), torch.randn(4), "regression"))
    yield Case("a kind that there is not", (torch.randn(4, 1), torch.randn(4), "ranking"))


def shown(classification_loss):
    """Scores of 0: every class is as likely."""
    labels = torch.tensor([0, 2])
    loss = classification_loss(torch.zeros(2, 3), labels, "single_label_classification")
    torch.testing.assert_close(loss, torch.tensor(3.0).log())
    loss = classification_loss(torch.zeros(2, 1), torch.tensor([1.0, 3.0]), "regression")
    torch.testing.assert_close(loss, torch.tensor(5.0))


EXERCISE = Exercise(
    number="09.2",
    title="One head, three losses",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `classification_loss(logits, labels, problem_type)`. The head has scores, `[B, classes]`. Return the mean
loss as a tensor of one number:

* `"single_label_classification"`: `labels`, `[B]`, name the right class; the loss is the cross-entropy.
* `"multi_label_classification"`: `labels`, `[B, classes]`, are 1.0 for every class that applies and 0.0 for the
  others; the loss is the binary cross-entropy, in the mean over texts and classes.
* `"regression"`: the head has one score, `[B, 1]`, and `labels`, `[B]`, are numbers; the loss is the squared error.

Any other `problem_type` raises `ValueError`. (Its message is yours.)
""",
    solution=classification_loss,
    cases=cases,
    shown=shown,
    hints=[
        "torch.nn.functional has a function for each of the three.",
        "In regression the scores are [B, 1] and the labels [B]: subtracting them makes [B, B], which is a "
        "classic mistake.",
    ],
    mistakes=[
        Mistake(
            "the axis of length 1 stays",
            [("logits.squeeze(-1)", "logits")],
            "[B, 1] minus [B] is [B, B]: every text is compared with every label. Which axis has to go?",
        ),
        Mistake(
            "the absolute error",
            [("functional.mse_loss", "functional.l1_loss")],
            "Your regression takes the absolute error. The squared error is asked for.",
        ),
        Mistake(
            "binary cross-entropy for one class",
            [
                (
                    "functional.cross_entropy(logits, labels)",
                    "functional.binary_cross_entropy_with_logits(logits, functional.one_hot(labels, "
                    "logits.shape[1]).float())",
                )
            ],
            "With exactly one right class, the classes compete: their probabilities sum to 1.",
        ),
        Mistake(
            "cross-entropy for several classes",
            [
                (
                    "functional.binary_cross_entropy_with_logits(logits, labels)",
                    "functional.cross_entropy(logits, labels)",
                )
            ],
            "Where several classes may apply, each is a question of its own, with a probability of its own.",
        ),
        Mistake(
            "the sigmoid comes twice",
            [("with_logits(logits, labels)", "with_logits(torch.sigmoid(logits), labels)")],
            "binary_cross_entropy_with_logits takes scores; you give it probabilities.",
        ),
        Mistake(
            "the softmax comes twice",
            [("cross_entropy(logits, labels)", "cross_entropy(torch.softmax(logits, dim=1), labels)")],
            "cross_entropy takes scores; you give it probabilities.",
        ),
        Mistake(
            "summed over the classes",
            [("with_logits(logits, labels)", "with_logits(logits, labels) * logits.shape[1]")],
            "Your binary cross-entropy is summed over the classes. The mean is over texts and classes.",
        ),
        Mistake(
            "summed over the batch",
            [
                (
                    "functional.cross_entropy(logits, labels)",
                    "functional.cross_entropy(logits, labels, reduction='sum')",
                )
            ],
            "Your loss grows with the batch: it is a sum.",
        ),
        Mistake(
            "an unknown kind goes through",
            [
                (
                    'raise ValueError(f"problem_type is {problem_type!r}")',
                    "return functional.mse_loss(logits.squeeze(-1), labels)",
                )
            ],
            "A kind that there is not should not be answered with any loss.",
        ),
        Mistake(
            "a number",
            [
                (
                    "return functional.cross_entropy(logits, labels)",
                    "return functional.cross_entropy(logits, labels) * 0 + functional.cross_entropy(logits, "
                    "labels).exp()",
                )
            ],
            "That is the perplexity: the exponential of the loss.",
        ),
    ],
    other_ways=[written_out, with_modules, by_logarithms],
)
