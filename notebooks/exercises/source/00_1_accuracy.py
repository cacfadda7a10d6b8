"""Exercise 00.1: how often is a classifier right? (lesson 00, section 5)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def accuracy(logits, labels):
    """Return the share of texts whose highest score belongs to the right class."""
    predicted = logits.argmax(dim=1)
    return (predicted == labels).float().mean().item()


def by_counting(scores, answers):
    """One text after the other."""
    right = 0
    for row, answer in zip(scores.tolist(), answers.tolist(), strict=True):
        right += row.index(max(row)) == answer
    return right / len(answers)


def by_comparing_with_the_best(logits, labels):
    """The score of the right class is the highest one."""
    of_the_label = logits.gather(1, labels[:, None])[:, 0]
    return float((of_the_label >= logits.max(dim=1).values).double().mean())


def with_probabilities(logits, labels):
    """The softmax changes no order."""
    probs = torch.softmax(logits, dim=-1)
    return sum(
        int(torch.topk(row, 1).indices) == int(label) for row, label in zip(probs, labels, strict=True)
    ) / len(probs)


def cases():
    """Two and more classes, and one text."""
    for texts, classes in ((8, 2), (7, 3), (5, 6), (1, 2)):
        logits = torch.randn(texts, classes)
        labels = torch.where(
            torch.rand(texts) < 0.6, logits.argmax(dim=1), torch.randint(0, classes, (texts,))
        )
        yield Case(f"{texts} texts, {classes} classes", (logits, labels))
    yield Case(
        "negative scores only",
        (torch.tensor([[-3.0, -1.0], [-1.0, -2.0], [-5.0, -4.0]]), torch.tensor([1, 0, 0])),
    )


def shown(accuracy):
    """Two of three texts are right."""
    logits = torch.tensor([[2.0, -1.0], [0.5, 0.6], [3.0, 1.0]])
    assert abs(accuracy(logits, torch.tensor([0, 1, 1])) - 2 / 3) < 1e-6


EXERCISE = Exercise(
    number="00.1",
    title="Accuracy",
    difficulty="easy",
    minutes=5,
    task=r"""
A classifier gives each text a score (logit) for each class; its prediction is the class with the highest score.
Write `accuracy(logits, labels)`: from scores, `[texts, classes]`, and the right classes, `[texts]`, it makes the
share of texts whose prediction is right, a number between 0 and 1.
""",
    solution=accuracy,
    cases=cases,
    shown=shown,
    hints=["argmax says where the highest number of a row stands.", "The mean of zeros and ones is a share."],
    mistakes=[
        Mistake(
            "the best text of each class",
            [("argmax(dim=1)", "argmax(dim=0)"), ("(predicted == labels)", "(predicted[labels] == labels)")],
            "Your argmax runs over the texts. It should find the best class of each text.",
        ),
        Mistake(
            "the lowest score",
            [("argmax(dim=1)", "argmin(dim=1)")],
            "You take the class with the lowest score.",
        ),
        Mistake(
            "how many and not which share",
            [(".mean()", ".sum()")],
            "You return how many texts are right. What share of all texts is that?",
        ),
        Mistake(
            "per cent",
            [(".mean().item()", ".mean().item() * 100")],
            "Your number is in per cent; a number between 0 and 1 is asked for.",
        ),
        Mistake(
            "the share of errors",
            [("predicted == labels", "predicted != labels")],
            "You count the texts that are wrong.",
        ),
        Mistake(
            "the sign of the second score",
            [("logits.argmax(dim=1)", "(logits[:, 1] > 0).long()")],
            "Your prediction is class 1 where its score is above 0. Scores are compared with each other, "
            "not with 0.",
        ),
        Mistake(
            "divided by the classes",
            [(".float().mean().item()", ".float().sum().item() / logits.shape[1]")],
            "You divide by the number of classes, not of texts.",
        ),
        Mistake(
            "rounded",
            [(".mean().item()", ".mean().round().item()")],
            "Your share is rounded to a whole number.",
        ),
        Mistake(
            "the mean score of the right class",
            [
                (
                    "(predicted == labels).float().mean().item()",
                    "logits.gather(1, labels[:, None]).mean().item()",
                )
            ],
            "That is the mean score of the right class. Only whether it is the highest counts.",
        ),
    ],
    other_ways=[by_counting, by_comparing_with_the_best, with_probabilities],
)
