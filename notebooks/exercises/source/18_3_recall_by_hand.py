"""Exercise 18.3: kernels with which a layer of attention recalls, without training (lesson 18, section 5)."""

import torch
from torch.nn import functional

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def recall_kernels(k):
    """Return kernels for the queries, the keys and the values; weight j of k is that of the token j places back."""
    if k < 2:
        raise ValueError("a window of one token does not hold the token before")
    itself, before = torch.eye(k)[:2]
    return itself, before, itself


def by_lists(size):
    """Plain lists of numbers."""
    if size == 1:
        raise ValueError(size)
    rest = [0.0] * (size - 2)
    return {"Q": [1.0, 0.0, *rest], "K": [0.0, 1.0, *rest], "V": [1.0, 0.0, *rest]}.values()


def one_token_later(k):
    """The token after the number has both in its window, where the window is long enough."""
    places = (0, 2, 1) if k > 2 else (0, 1, 0)
    if max(places) >= k:
        raise ValueError("too short")
    return functional.one_hot(torch.tensor(places), k).float()


def from_scores(k):
    """As a layer learns them: kernels that are a softmax, and only nearly 0 and 1."""
    if k <= 1:
        raise ValueError("k must be 2 at least")
    scores = torch.zeros(3, k)
    for row, offset in enumerate([0, 1, 0]):
        scores[row, offset] = 12.0
    return scores.softmax(dim=1).unbind()


def read_and_answer(kernels, ids):
    """Where a layer with these kernels looks at the letters asked for, and what it answers; -1 where two are alike."""
    X = functional.one_hot(ids).float()  # [n, v]: each token has a direction of its own
    n = len(ids)
    Q, K, V = (sum(w[j] * functional.pad(X, (0, 0, j, 0))[:n] for j in range(len(w))) for w in kernels)
    S = (20 * Q @ K.T).masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)
    P = S.softmax(dim=-1)[-(n // 3) :]
    largest, tokens = (P @ V).topk(2)
    return P, tokens[:, 0].where(largest[:, 0] - largest[:, 1] > 1e-3, -1).tolist()


def observe(recall_kernels, k, ids):
    """The shapes and sums of the kernels, what a layer with them answers, and where it looks if an answer is wrong."""
    kernels = [torch.as_tensor(w, dtype=torch.float) for w in recall_kernels(k)]
    seen = {"the shapes of the three kernels": [list(w.shape) for w in kernels]}
    if seen["the shapes of the three kernels"] == [[k]] * 3:
        seen["the sums of the kernels"] = [round(float(w.sum()), 3) for w in kernels]
        seen["all weights are at least 0"] = bool(min(w.min() for w in kernels) >= 0)
        P, answers = read_and_answer(kernels, ids)
        seen["what the layer answers, and -1 where no number is the largest"] = answers
        number_of = dict(zip(ids[: -len(P) : 2].tolist(), ids[1 : -len(P) : 2].tolist(), strict=True))
        if answers != [number_of[letter] for letter in ids[-len(P) :].tolist()]:
            seen["where it looks"] = P
    return seen


def cases():
    """Windows of several sizes, and texts of several lengths; one asks for the last pair first."""
    for k, pairs in ((2, 4), (3, 6), (4, 5), (9, 8)):
        letters, numbers = torch.randperm(26)[:pairs], 26 + torch.randperm(26)[:pairs]
        asked = letters[torch.randperm(pairs)] if k != 4 else letters.flip(0)
        told = torch.stack([letters, numbers], dim=-1).flatten()
        yield Case(f"k = {k}, {pairs} pairs", (k, torch.cat([told, asked])))
    yield Case("k = 1, which is too short", (1, torch.tensor([0, 26, 1, 27, 1, 0])))


def shown(recall_kernels):
    """A layer made by hand reads three pairs, 0 7, 2 9 and 5 8, and is then asked for 2, 0 and 5."""
    ids = torch.tensor([0, 7, 2, 9, 5, 8, 2, 0, 5])
    n, X = len(ids), torch.eye(10)[ids]  # each token has a direction of its own: [n, 10]
    kernels = recall_kernels(4)
    # Weight j belongs to the token j places back.
    Q, K, V = (sum(w[j] * functional.pad(X, (0, 0, j, 0))[:n] for j in range(4)) for w in kernels)
    S = (20 * Q @ K.T).masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)
    out = S.softmax(dim=-1) @ V
    assert out[-3:].argmax(dim=-1).tolist() == [9, 7, 8]


EXERCISE = Exercise(
    number="18.3",
    title="Recall without training",
    difficulty="easy",
    minutes=15,
    task=r"""
A layer of causal self-attention with one head reads pairs of a letter and a number, then the letters again in another
order, and must answer each of these with its number (section 5). No letter stands in two pairs, and no number either.
Nothing is learned: each token is a vector with a single 1 in a place of its own, $W_Q$, $W_K$ and $W_V$ change nothing,
and the scores are multiplied by 20. The layer answers a letter with the token in whose place the output has its largest
number. Only the three fixed kernels on $Q$, $K$ and $V$ are missing. With the right ones, every answer is right.

Write `recall_kernels(k)`. Return these three kernels, for $Q$, $K$ and $V$ in this order, each with $k$ weights. Weight
$j$ belongs to the token $j$ places back, 0 to the token itself. The weights are at least 0 and sum to 1. Raise
`ValueError` where $k$ is too small for it.
""",
    solution=recall_kernels,
    cases=cases,
    shown=shown,
    observe=observe,
    hints=[
        "Which token of the text holds the answer? What must its key say, so that the letter asked for finds it?",
        "The number stands one place after its letter. The key of the number can hold the letter, if its kernel looks "
        "one place back.",
        "The query should be the letter asked for, and the value the number: these two kernels copy the token itself.",
    ],
    mistakes=[
        Mistake(
            "nothing is moved",
            [("return itself, before, itself", "return itself, itself, itself")],
            "Without a convolution the letter finds itself, and its value is the letter. The answer stands one token "
            "later.",
        ),
        Mistake(
            "only the values look back",
            [("return itself, before, itself", "return itself, itself, before")],
            "The letter is found where it stands, and its value is now the token before it. The answer comes after it, "
            "and no window reaches there.",
        ),
        Mistake(
            "keys and values look back",
            [("return itself, before, itself", "return itself, before, before")],
            "The right number is found, but its value is the token before it: your layer answers with the letter.",
        ),
        Mistake(
            "the query looks back",
            [("return itself, before, itself", "return before, itself, itself")],
            "Your query is the token before the letter asked for, so the layer looks for the wrong letter.",
        ),
        Mistake(
            "query and key look back",
            [("return itself, before, itself", "return before, before, itself")],
            "Your keys hold the letter before, which is right. But your query holds the token before the letter "
            "asked for.",
        ),
        Mistake(
            "the kernels are turned round",
            [
                (
                    "return itself, before, itself",
                    "return itself.flip(0), before.flip(0), itself.flip(0)",
                )
            ],
            "Your kernels run backwards: weight 0 belongs to the token itself, and the last one to the token furthest "
            "back.",
        ),
        Mistake(
            "the key holds both tokens alike",
            [("return itself, before, itself", "return itself, (itself + before) / 2, itself")],
            "Your keys hold the letter before and the token itself alike. The letter then finds itself as well as its "
            "number.",
        ),
        Mistake(
            "the value holds both tokens alike",
            [("return itself, before, itself", "return itself, before, (itself + before) / 2")],
            "The right place is found, but its value holds letter and number alike: neither is the largest.",
        ),
        Mistake(
            "even weights",
            [("return itself, before, itself", "return (torch.full((k,), 1 / k),) * 3")],
            "Even weights mix all tokens of the window. Each kernel here has to hold one token.",
        ),
        Mistake(
            "the weights sum to 2",
            [("return itself, before, itself", "return itself, itself + before, itself")],
            "The weights of a kernel sum to 1, as those of a softmax do.",
        ),
        Mistake(
            "always four weights",
            [("torch.eye(k)", "torch.eye(4)")],
            "Your kernels have four weights, whatever k is.",
        ),
        Mistake(
            "no kernels for two tokens",
            [("if k < 2:", "if k < 3:")],
            "A window of two tokens is long enough: it holds the token itself and the one before.",
        ),
    ],
    other_ways=[by_lists, one_token_later, from_scores],
)
