"""Exercise 12.1: a model that reads one text chooses between several (lesson 12)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def score_choices(score, ids, mask):
    """Return a score for each choice of each question; `score` reads a batch of single texts."""
    questions, choices = ids.shape[:2]
    scores = score(ids.flatten(0, 1), mask.flatten(0, 1))
    return scores.view(questions, choices)


def question_by_question(score, ids, mask):
    """The choices of one question are a batch."""
    return torch.stack([score(texts, own) for texts, own in zip(ids, mask, strict=True)])


def choice_by_choice(score, ids, mask):
    """The first choices of all questions, then the second ones."""
    columns = [score(ids[:, c], mask[:, c]) for c in range(ids.shape[1])]
    return torch.stack(columns, dim=1)


def with_reshape(read, ids, mask):
    """reshape with one size left open."""
    n = ids.shape[-1]
    flat = read(ids.reshape(-1, n), mask.reshape(-1, n))
    return torch.unflatten(flat, 0, ids.shape[:2])


def reader(ids, mask):
    """Stand for a model: a number for each text, from its tokens only."""
    if ids.dim() != 2 or mask.shape != ids.shape:
        raise ValueError(
            f"the model reads ids [texts, n] with a mask of that shape, not {list(ids.shape)}, {list(mask.shape)}"
        )
    places = torch.arange(1.0, 1 + ids.shape[1])
    return (torch.sin(ids.float()) * places * mask).sum(dim=1) / mask.sum(dim=1)


def cases():
    """Unequal numbers of questions, choices and tokens, with padding."""
    for questions, choices, n in ((2, 4, 6), (3, 2, 5), (1, 3, 4), (3, 3, 3)):
        ids = torch.randint(5, 30, (questions, choices, n))
        mask = (torch.arange(n) < torch.randint(2, n + 1, (questions, choices, 1))).long()
        yield Case(f"{questions} questions, {choices} choices, {n} tokens", (reader, ids, mask))


def shown(score_choices):
    """A model that adds up the ids."""
    ids = torch.tensor([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]])
    scores = score_choices(lambda ids, mask: ids.sum(dim=1), ids, torch.ones_like(ids))
    assert scores.tolist() == [[3, 7, 11], [15, 19, 23]]


EXERCISE = Exercise(
    number="12.1",
    title="Choices in the batch",
    difficulty="easy",
    minutes=10,
    task=r"""
A model reads single texts: `score(ids, mask)` takes `[texts, n]` and returns `[texts]`. Write
`score_choices(score, ids, mask)` for `ids` and `mask` of `[questions, choices, n]`: it returns `[questions,
choices]`, a score for each choice of each question.
""",
    solution=score_choices,
    cases=cases,
    shown=shown,
    hints=[
        "The model does not know what a question is: every choice is a text of its own.",
        "flatten(0, 1) makes one axis of the first two; view turns it back into two.",
    ],
    mistakes=[
        Mistake(
            "the scores are turned back the other way round",
            [("scores.view(questions, choices)", "scores.view(choices, questions).T")],
            "The scores come back in the order in which the texts went in: all choices of the first "
            "question first.",
        ),
        Mistake(
            "the texts go in another order",
            [
                (
                    "score(ids.flatten(0, 1), mask.flatten(0, 1))",
                    "score(ids.transpose(0, 1).flatten(0, 1), mask.transpose(0, 1).flatten(0, 1))",
                )
            ],
            "The texts go in choice by choice, but the scores come out as if they had gone in question by "
            "question.",
        ),
        Mistake(
            "the mask is forgotten",
            [("mask.flatten(0, 1)", "torch.ones_like(mask).flatten(0, 1)")],
            "Padding counts in your function: which mask does the model get?",
        ),
        Mistake(
            "probabilities",
            [("scores.view(questions, choices)", "scores.view(questions, choices).softmax(dim=1)")],
            "Scores are asked for, not probabilities.",
        ),
        Mistake(
            "the axes are exchanged",
            [("scores.view(questions, choices)", "scores.view(questions, choices).T")],
            "Questions and choices have changed places in your result.",
        ),
        Mistake(
            "the scores stay flat",
            [("scores.view(questions, choices)", "scores")],
            "The scores of all choices stand in one row. To which question does each belong?",
        ),
        Mistake(
            "the best choice",
            [("scores.view(questions, choices)", "scores.view(questions, choices).argmax(dim=1)")],
            "The scores of all choices are asked for, not the best choice.",
        ),
        Mistake(
            "all choices in one text",
            [
                (
                    "score(ids.flatten(0, 1), mask.flatten(0, 1))",
                    "score(ids.flatten(1), mask.flatten(1))[:, None].expand(-1, choices).flatten()",
                )
            ],
            "You join all choices of a question into one text. The model should read each by itself.",
        ),
        Mistake(
            "only the first choice",
            [
                (
                    "score(ids.flatten(0, 1), mask.flatten(0, 1))",
                    "score(ids[:, 0], mask[:, 0])[:, None].expand(-1, choices).flatten()",
                )
            ],
            "All choices have the score of the first one in your function.",
        ),
    ],
    other_ways=[question_by_question, choice_by_choice, with_reshape],
)
