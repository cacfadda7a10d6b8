"""Exercise 10.1: labels of words become labels of pieces (lesson 10)"""

import itertools

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def align_labels(word_ids, labels, ignored=-100):
    """Return a label for each piece: the word's label for its first piece, `ignored` for all others."""
    aligned, previous = [], None
    for word in word_ids:
        if word is None or word == previous:
            aligned.append(ignored)
        else:
            aligned.append(labels[word])
        previous = word
    return aligned


def with_groups(word_ids, labels, ignored=-100):
    """Neighbours with the same word form a group."""
    result = []
    for word, pieces in itertools.groupby(word_ids):
        number = len(list(pieces))
        first = ignored if word is None else labels[word]
        result += [first] + [ignored] * (number - 1)
    return result


def by_first_places(word_ids, labels, ignored=-100):
    """Where does each word begin?"""
    result = [ignored for _ in word_ids]
    for word in {word for word in word_ids if word is not None}:
        result[word_ids.index(word)] = labels[word]
    return result


def with_pairs(word_ids, labels, ignored=-100):
    """Each piece beside the one before it."""
    before = [None, *word_ids[:-1]]
    return [
        labels[now] if now is not None and now != last else ignored
        for last, now in zip(before, word_ids, strict=True)
    ]


def cases():
    """Words of one and of several pieces, special tokens, padding, another number for what is ignored."""
    yield Case("words of one and of three pieces", ([None, 0, 1, 1, 1, 2, None], [3, 1, 4]))
    yield Case("padding", ([None, 0, 0, 1, None, None, None], [1, 2]))
    yield Case("two neighbours with the same label", ([None, 0, 1, 1, 2, None], [5, 5, 5]))
    yield Case("two texts in one row", ([None, 0, 0, None, 1, 1, 2, None], [0, 6, 7]))
    yield Case("another number", ([None, 0, 0, 1, None], [2, 0], -1))
    yield Case("no special tokens", ([0, 0, 1], [1, 2]))
    yield Case("the label 0", ([None, 0, 0, 1, None], [0, 0]))


def shown(align_labels):
    """A name in two pieces."""
    assert align_labels([None, 0, 1, 1, None], [0, 7]) == [-100, 0, 7, -100, -100]


EXERCISE = Exercise(
    number="10.1",
    title="Labels for pieces",
    difficulty="easy",
    minutes=10,
    task=r"""
People label words, and the model sees pieces. Write `align_labels(word_ids, labels, ignored=-100)`. `word_ids`
says for each piece of a row to which word it belongs, and is `None` for special tokens and padding; `labels` has a
label for each word. Return a list with a label for each piece: the first piece of a word gets the word's label,
all others get `ignored`.
""",
    solution=align_labels,
    cases=cases,
    shown=shown,
    hints=[
        "A piece is the first of its word where the piece before it belongs to another word, or to none.",
        "The number of a word may be 0, which is false in Python: compare with None.",
    ],
    mistakes=[
        Mistake(
            "every piece gets the label",
            [("word is None or word == previous", "word is None")],
            "All pieces of a word have a label in your function. Only the first one counts.",
        ),
        Mistake(
            "word 0 is taken for no word",
            [("word is None or word == previous", "not word or word == previous")],
            "The first word has the number 0, which is false in Python. It is a word all the same.",
        ),
        Mistake(
            "always -100",
            [("aligned.append(ignored)", "aligned.append(-100)")],
            "What is ignored has the number that was handed in, not always -100.",
        ),
        Mistake(
            "special tokens get label 0",
            [
                (
                    "if word is None or word == previous:",
                    "if word is None:\n            aligned.append(0)\n        elif word == previous:",
                )
            ],
            "Special tokens have no label; they should be ignored, not count as class 0.",
        ),
        Mistake(
            "further pieces get label 0",
            [
                (
                    "if word is None or word == previous:",
                    "if word is not None and word == previous:\n            aligned.append(0)\n        elif "
                    "word is None:",
                )
            ],
            "Further pieces of a word should be ignored, not count as class 0.",
        ),
        Mistake(
            "the last piece gets the label",
            [
                (
                    "previous = word\n    return aligned",
                    "previous = word\n    return align_last(word_ids, labels, ignored)\n\n\ndef "
                    "align_last(word_ids, labels, ignored):\n    after = [*word_ids[1:], None]\n    return "
                    "[labels[w] if w is not None and w != a else ignored for w, a in zip(word_ids, after, "
                    "strict=True)]",
                )
            ],
            "The label stands at the last piece of each word in your function.",
        ),
        Mistake(
            "neighbours with the same label count as one word",
            [("word == previous:", "(previous is not None and labels[word] == labels[previous]):")],
            "Two words may have the same label. Compare the numbers of the words, not their labels.",
        ),
        Mistake(
            "pieces that are ignored are left out",
            [("aligned.append(ignored)", "pass")],
            "Your list is shorter than the row: each piece needs an entry.",
        ),
        Mistake(
            "the number of the word",
            [("labels[word]", "word")],
            "You return the number of the word, not its label.",
        ),
    ],
    other_ways=[with_groups, by_first_places, with_pairs],
)
