"""Exercise 11.1: the best answer in one window (lesson 11)"""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def best_span(start, end, in_passage, longest):
    """Return the positions of the best answer in the passage, i <= j, and its score, start[i] + end[j]."""
    pairs = start[:, None] + end[None, :]
    n = len(start)
    allowed = torch.ones(n, n, dtype=torch.bool).triu().tril(longest - 1)
    allowed &= in_passage[:, None] & in_passage[None, :]
    best = int(pairs.masked_fill(~allowed, float("-inf")).argmax())
    return best // n, best % n, pairs.flatten()[best].item()


def by_loops(start, end, in_passage, longest):
    """All pairs, one after the other."""
    best = (0, 0, float("-inf"))
    for i in range(len(start)):
        for j in range(i, min(len(end), i + longest)):
            score = float(start[i] + end[j])
            if in_passage[i] and in_passage[j] and score > best[2]:
                best = (i, j, score)
    return best


def by_lengths(start, end, in_passage, longest):
    """One length after the other: two slices are added."""
    start, end = (each.masked_fill(~in_passage, -1e9) for each in (start, end))
    found = []
    for length in range(min(longest, len(start))):
        sums = start[: len(start) - length] + end[length:]
        first = int(sums.argmax())
        found.append((float(sums[first]), first, first + length))
    score, i, j = max(found)
    return i, j, score


def with_a_generator(start, end, in_passage, longest):
    """max over all pairs that are allowed."""
    inside = [t for t, yes in enumerate(in_passage.tolist()) if yes]
    i, j = max(
        ((i, j) for i in inside for j in inside if 0 <= j - i < longest),
        key=lambda pair: start[pair[0]] + end[pair[1]],
    )
    return i, j, (start[i] + end[j]).item()


def cases():
    """Passages in the middle of the row; best single positions that contradict each other."""
    for n, first, last, longest in ((8, 2, 7, 3), (6, 1, 5, 6), (10, 4, 9, 1), (12, 3, 11, 4)):
        in_passage = torch.zeros(n, dtype=torch.bool)
        in_passage[first:last] = True
        yield Case(f"{n} tokens, at most {longest}", (torch.randn(n), torch.randn(n), in_passage, longest))
    start, end = torch.tensor([9.0, 0.0, 1.0, 5.0]), torch.tensor([9.0, 4.0, 1.0, 2.0])
    yield Case(
        "the best end stands before the best start", (start, end, torch.tensor([False, True, True, True]), 4)
    )
    far = torch.tensor([5.0, 0.0, 0.0, 0.0, 0.0, 2.0]), torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0, 5.0])
    yield Case("the best pair is much too long", (*far, torch.ones(6, dtype=torch.bool), 2))
    start, end = torch.tensor([0.0, 5.0, 0.0, 0.0, 3.0]), torch.tensor([0.0, 0.0, 0.0, 5.0, 3.5])
    yield Case("the best pair is too long", (start, end, torch.ones(5, dtype=torch.bool), 2))


def shown(best_span):
    """The best start stands behind the best end."""
    start, end = torch.tensor([0.0, 1.0, 5.0]), torch.tensor([0.0, 4.0, 3.0])
    assert best_span(start, end, torch.tensor([False, True, True]), 3) == (2, 2, 8.0)


EXERCISE = Exercise(
    number="11.1",
    title="The best answer span",
    difficulty="medium",
    minutes=20,
    task=r"""
Write `best_span(start, end, in_passage, longest)` for one window of $n$ tokens. `start` and `end`, `[n]`, say how
good a start and how good an end each token is; `in_passage`, `[n]` (boolean), says where the passage is. An answer
goes from token $i$ to token $j$, both in the passage, with $i \le j$, and has at most `longest` tokens. Return a
tuple of three: the $i$ and $j$ with the highest $\mathrm{start}[i] + \mathrm{end}[j]$, and that sum.
""",
    solution=best_span,
    cases=cases,
    shown=shown,
    hints=[
        "start[:, None] + end[None, :] is a table of the scores of all pairs.",
        "An answer from i to j has j - i + 1 tokens.",
        "Pairs that are not allowed get minus infinity before you look for the highest score.",
    ],
    mistakes=[
        Mistake(
            "the best start and the best end, each for itself",
            [
                (
                    'best = int(pairs.masked_fill(~allowed, float("-inf")).argmax())',
                    "best = int(start.masked_fill(~in_passage, -1e9).argmax()) * n + "
                    "int(end.masked_fill(~in_passage, -1e9).argmax())",
                )
            ],
            "Your start and end are chosen each for itself. The end may stand before the start, or too far "
            "away.",
        ),
        Mistake(
            "an answer may run backwards",
            [(".triu().tril(longest - 1)", ".tril(longest - 1)")],
            "Your answer may end before it starts.",
        ),
        Mistake(
            "an answer may be of any length",
            [(".triu().tril(longest - 1)", ".triu()")],
            "Your answer may be longer than allowed.",
        ),
        Mistake(
            "one token too long",
            [("tril(longest - 1)", "tril(longest)")],
            "An answer from i to j has j - i + 1 tokens: yours may be one too long.",
        ),
        Mistake(
            "one token too short",
            [("tril(longest - 1)", "tril(longest - 2)")],
            "An answer from i to j has j - i + 1 tokens: yours may have one less than allowed.",
        ),
        Mistake(
            "an answer has at least two tokens",
            [(".triu()", ".triu(1)")],
            "An answer of a single token starts and ends with the same token.",
        ),
        Mistake(
            "the question may be the answer",
            [("allowed &= in_passage[:, None] & in_passage[None, :]", "pass")],
            "Your answer may stand in the question, or be a special token.",
        ),
        Mistake(
            "only the start must be in the passage",
            [("in_passage[:, None] & in_passage[None, :]", "in_passage[:, None]")],
            "The end of your answer may stand outside of the passage.",
        ),
        Mistake(
            "the end is exclusive",
            [("best % n, pairs", "best % n + 1, pairs")],
            "The second number is the position of the last token of the answer, not of the one behind it.",
        ),
        Mistake(
            "start and end are exchanged",
            [("start[:, None] + end[None, :]", "end[:, None] + start[None, :]")],
            "You read the scores of ends for the first token and the scores of starts for the last one.",
        ),
        Mistake(
            "products",
            [("start[:, None] + end[None, :]", "start[:, None] * end[None, :]")],
            "The scores are added. Two bad scores, both negative, have a positive product.",
        ),
    ],
    other_ways=[by_loops, by_lengths, with_a_generator],
)
