"""Exercise 04.2: which tokens change when padding is added (lesson 04, sections 9 to 12)."""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def changed_by_padding(n, k, layers, masked=False):
    """Return the positions, of n tokens, whose vectors depend on the padding behind them."""
    if masked or layers == 0:
        return []
    if layers == 1:
        return list(range(max(0, n - k // 2), n))
    return list(range(n)) if k > 1 else []


def by_spreading(n, k, layers, masked=False):
    """A set of changed positions grows layer by layer: first through windows, then through self-attention."""
    changed = set()
    for _ in range(0 if masked else layers):
        windows = {t for t in range(n) for j in range(k) if t + j - k // 2 >= n}
        changed = windows | (set(range(n)) if changed else set())
    return sorted(changed)


def by_rules(n, k, layers, masked=False):
    """The rules of the lesson, from the last token to the first."""
    r = (k - 1) // 2
    if masked or not layers or not r:
        return []
    reach = r if layers < 2 else n
    return [t for t in range(n) if n - t <= reach]


def with_a_table(n, k, layers, masked=False):
    """A table of which position depends on which, to the power of the number of layers."""
    size = n + k
    tokens = range(size)
    depends = [[abs(t - j) <= k // 2 or (j < n and t < n) for j in tokens] for t in tokens]
    reached = [t >= n for t in tokens]
    if not masked:
        for _ in range(layers):
            reached = [any(depends[t][j] and reached[j] for j in tokens) for t in tokens]
    return [t for t in range(n) if reached[t]] if layers and not masked else []


def cases():
    """Short and long texts, one and several layers, with and without the cure."""
    for n, k, layers, masked in (
        (10, 5, 1, False), (10, 9, 1, False), (3, 9, 1, False), (10, 5, 2, False), (12, 3, 4, False),
        (10, 5, 1, True), (10, 5, 3, True), (6, 1, 2, False), (6, 5, 0, False), (1, 3, 1, False),
    ):  # fmt: skip
        name = f"{n} tokens, k = {k}, {layers} layers" + ", masked convolution" * masked
        yield Case(name, (n, k, layers, masked))


def shown(changed_by_padding):
    """One layer with a window of five."""
    assert changed_by_padding(8, 5, 1) == [6, 7]


EXERCISE = Exercise(
    number="04.2",
    title="Which tokens does padding change?",
    difficulty="medium",
    minutes=15,
    task=r"""
A text of $n$ tokens is read once alone, and once in a batch with a lot of padding behind it. Write
`changed_by_padding(n, k, layers, masked=False)`. It returns the positions, in ascending order, whose vectors differ
after `layers` layers of mixed attention with windows of $k$ tokens, in a list. $k$ is odd.

Self-attention is masked, the convolution is not, as in the published models; with `masked=True` both are. After 0
layers there are only embeddings. With $k = 1$ a window holds nothing but the token.
""",
    solution=changed_by_padding,
    cases=cases,
    shown=shown,
    hints=[
        "In the first layer only windows bring padding in. How far does a window reach to the right?",
        "In the second layer some tokens of the text have changed already. Who attends to them?",
    ],
    mistakes=[
        Mistake(
            "the whole window counts",
            [("n - k // 2", "n - k")],
            "A window reaches k // 2 tokens to the right, not k.",
        ),
        Mistake(
            "one token too many",
            [("n - k // 2", "n - k // 2 - 1")],
            "Your list is one token too long: the last token whose window still ends inside of the text "
            "does not change.",
        ),
        Mistake(
            "one token too few",
            [("n - k // 2", "n - k // 2 + 1")],
            "Your list is one token too short. Draw the window of the first token that it leaves out.",
        ),
        Mistake(
            "self-attention is forgotten",
            [
                ("if layers == 1:", "if True:"),
                ("n - k // 2)", "n - layers * (k // 2))"),
            ],
            "You let the change spread by windows alone. From the second layer on, another part of the "
            "block spreads it at "
            "once.",
        ),
        Mistake(
            "every layer is like the first",
            [("if layers == 1:", "if layers >= 1:")],
            "Your result does not depend on the number of layers. What do the tokens do in the second layer "
            "with those that "
            "changed in the first?",
        ),
        Mistake(
            "everything changes in the first layer",
            [("if layers == 1:", "if False:")],
            "In the first layer self-attention is masked and sees only tokens that have not changed yet.",
        ),
        Mistake(
            "negative positions",
            [("range(max(0, n - k // 2), n)", "range(n - k // 2, n)")],
            "A text may be shorter than half a window. There are no positions below 0.",
        ),
        Mistake(
            "the first tokens",
            [("range(max(0, n - k // 2), n)", "range(min(n, k // 2))")],
            "Padding stands behind the text. Which end does it touch?",
        ),
        Mistake(
            "the cure is ignored",
            [("if masked or layers == 0:", "if layers == 0:")],
            "With a masked convolution nothing brings padding in.",
        ),
        Mistake(
            "a window of one token",
            [(" if k > 1 else []", "")],
            "With k = 1 a window holds only the token itself, in all layers.",
        ),
        Mistake(
            "how many, and not which",
            [
                ("return list(range(max(0, n - k // 2), n))", "return min(n, k // 2)"),
                ("list(range(n)) if k > 1 else []", "n if k > 1 else 0"),
                ("return []", "return 0"),
            ],
            "The positions themselves are asked for, in a list, not their number.",
        ),
    ],
    other_ways=[by_spreading, by_rules, with_a_table],
)
