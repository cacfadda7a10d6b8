"""Exercise 13.2: whole-word masking (lessons 08 and 13)"""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def whole_words(tokens, special):
    """Return the positions of each word's pieces, in order; special tokens belong to no word."""
    words = []
    open_word = False
    for t, token in enumerate(tokens):
        if token in special:
            open_word = False
        elif token.startswith("##") and open_word:
            words[-1].append(t)
        else:
            words.append([t])
            open_word = True
    return words


def by_beginnings(tokens, special):
    """Where words begin, and where they end."""
    n = len(tokens)
    kinds = ["special" if token in special else "piece" if token[:2] == "##" else "word" for token in tokens]
    begins = [
        t
        for t in range(n)
        if kinds[t] == "word" or (kinds[t] == "piece" and (t == 0 or kinds[t - 1] == "special"))
    ]
    result = []
    for t in begins:
        end = t + 1
        while end < n and kinds[end] == "piece":
            end += 1
        result.append(list(range(t, end)))
    return result


def from_the_end(tokens, special):
    """Backwards: pieces wait until their word comes."""
    result, waiting = [], []
    for t in reversed(range(len(tokens))):
        if tokens[t] in special:
            if waiting:
                result.append(waiting)
            waiting = []
        elif tokens[t].startswith("##"):
            waiting = [t, *waiting]
        else:
            result.append([t, *waiting])
            waiting = []
    if waiting:
        result.append(waiting)
    return result[::-1]


def with_numbers(tokens, special):
    """Each position gets the number of its word."""
    numbers, count, before = [], -1, None
    for token in tokens:
        if token in special:
            numbers.append(None)
        else:
            if before is None or before in special or not token.startswith("##"):
                count += 1
            numbers.append(count)
        before = token
    return [[t for t, number in enumerate(numbers) if number == word] for word in range(count + 1)]


def cases():
    """Words of one and of several pieces, special tokens between them, and pieces without a beginning."""
    special = ["[CLS]", "[SEP]", "[PAD]"]
    yield Case("words of one and of three pieces", ("[CLS] un ##watch ##able film [SEP]".split(), special))
    yield Case("two segments", ("[CLS] a ##b [SEP] c [SEP] [PAD] [PAD]".split(), special))
    yield Case("a piece behind a special token", ("[CLS] ##able film [SEP] ##s [SEP]".split(), special))
    yield Case("a row that begins with a piece", ("##s ##t a".split(), special))
    yield Case("a mask is a word here", ("[CLS] a [MASK] ##b [SEP]".split(), special))
    yield Case("nothing but special tokens", ("[CLS] [SEP] [PAD]".split(), special))
    yield Case("a number sign", ("# ##5 # a".split(), special))


def shown(whole_words):
    """A word of two pieces."""
    assert whole_words(["[CLS]", "good", "film", "##s", "[SEP]"], ["[CLS]", "[SEP]"]) == [[1], [2, 3]]


EXERCISE = Exercise(
    number="13.2",
    title="Pieces that belong together",
    difficulty="easy",
    minutes=15,
    task=r"""
Whole-word masking masks all pieces of a word together. Write `whole_words(tokens, special)`. `tokens` is a list of
WordPiece tokens; a piece that continues a word begins with `##`. Tokens in the list `special` belong to no word
and end the word before them. Return a list of words in order, each a list of the positions of its pieces.

A row may be cut in the middle of a word. A `##` piece at the beginning of the row, or behind a special token,
therefore begins a word of its own.
""",
    solution=whole_words,
    cases=cases,
    shown=shown,
    hints=[
        "Go through the tokens and keep the word that is open: a ## piece joins it, everything else opens a "
        "new one.",
        "After a special token, and at the beginning, no word is open.",
    ],
    mistakes=[
        Mistake(
            "special tokens are words",
            [("if token in special:", "if False:")],
            "Special tokens belong to no word.",
        ),
        Mistake(
            "every piece is a word",
            [('elif token.startswith("##") and open_word:', "elif False:")],
            "Pieces of one word stand apart in your result.",
        ),
        Mistake(
            "a piece behind a special token joins the word before it",
            [("            open_word = False\n", "            pass\n")],
            "A special token ends the word before it: a piece behind it cannot join that word.",
        ),
        Mistake(
            "an error where a row begins with a piece",
            [(" and open_word:", ":")],
            "A row may begin with a ## piece: then there is no word to join.",
        ),
        Mistake(
            "pieces without a beginning are left out",
            [
                (
                    "    words = []\n    open_word = False",
                    "    words = []\n    open_word = False\n    tokens = ['[PAD]' if u.startswith('##') and "
                    "(i == 0 or tokens[i - 1] in special) else u for i, u in enumerate(tokens)]",
                )
            ],
            "A piece without a beginning is a word of its own; yours is left out.",
        ),
        Mistake(
            "texts in place of positions",
            [
                ("words[-1].append(t)", "words[-1].append(token)"),
                ("words.append([t])", "words.append([token])"),
            ],
            "Positions are asked for, not the tokens themselves.",
        ),
        Mistake(
            "only the first positions",
            [("words[-1].append(t)", "pass")],
            "Only the first piece of each word is in your result.",
        ),
        Mistake(
            "positions without special tokens",
            [("in enumerate(tokens):", "in enumerate([each for each in tokens if each not in special]):")],
            "Your positions count only tokens that are not special. Those of the row are asked for.",
        ),
        Mistake(
            "one number sign is enough",
            [('token.startswith("##")', 'token.startswith("#")')],
            "A single number sign is an ordinary token; a piece begins with two.",
        ),
    ],
    other_ways=[by_beginnings, from_the_end, with_numbers],
)
