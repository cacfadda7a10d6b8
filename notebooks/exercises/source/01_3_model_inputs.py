"""Exercise 01.3: two segments, special tokens, token types and the attention mask (lesson 01, section 3)."""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def model_inputs(first, second, length, cls, sep, pad):
    """Return ids, token types and attention mask of [CLS] first [SEP] second [SEP], padded to a length."""
    ids = [cls, *first, sep]
    types = [0] * len(ids)
    if second:
        ids = [*ids, *second, sep]
        types = types + [1] * (len(second) + 1)
    mask = [1] * len(ids)
    missing = length - len(ids)
    if missing < 0:
        raise ValueError(f"the text has {len(ids)} tokens; length is {length}")
    return ids + [pad] * missing, types + [0] * missing, mask + [0] * missing


def by_positions(a, b, length, cls, sep, pad):
    """Lists of the final length are made first, and then filled."""
    ids, types, mask = [pad] * length, [0] * length, [0] * length
    tokens = [cls, *a, sep, *([*b, sep] if len(b) else [])]
    if len(tokens) > length:
        raise ValueError("too long")
    for t, token in enumerate(tokens):
        ids[t], mask[t] = token, 1
        if t > len(a) + 1:
            types[t] = 1
    return ids, types, mask


def from_triples(first, second, length, cls, sep, pad):
    """One triple for each position, and zip at the end."""
    rows = [(cls, 0, 1)] + [(token, 0, 1) for token in first] + [(sep, 0, 1)]
    rows += [(token, 1, 1) for token in [*second, sep]] if second else []
    if len(rows) > length:
        raise ValueError(length)
    while len(rows) < length:
        rows.append((pad, 0, 0))
    ids, types, mask = zip(*rows, strict=True)
    return list(ids), list(types), list(mask)


def by_arithmetic(first, second, length, cls, sep, pad):
    """The numbers of tokens are computed, and the lists follow from them."""
    one, two = len(first) + 2, len(second) + 1 if second else 0
    rest = length - one - two
    if rest < 0:
        raise ValueError(rest)
    ids = [cls, *first, sep, *[each for each in [*second, sep] if second], *[pad] * rest]
    return ids, one * [0] + two * [1] + rest * [0], (one + two) * [1] + rest * [0]


def cases():
    """One and two segments, with and without padding, and a text that is too long."""
    specials = (101, 102, 0)
    yield Case("two segments and padding", ([11, 12, 13], [21, 22], 10, *specials))
    yield Case("one segment and padding", ([11, 12], [], 6, *specials))
    yield Case("two segments, no padding", ([11], [21, 22], 6, *specials))
    yield Case("other special tokens", ([5, 6], [7], 8, 1, 2, 3))
    yield Case("one token too long", ([11, 12, 13], [21, 22], 7, *specials))


def shown(model_inputs):
    """A question and an answer in eight places."""
    ids, types, mask = model_inputs([11, 12], [21], 8, cls=101, sep=102, pad=0)
    assert ids == [101, 11, 12, 102, 21, 102, 0, 0]
    assert types == [0, 0, 0, 0, 1, 1, 0, 0]
    assert mask == [1, 1, 1, 1, 1, 1, 0, 0]


EXERCISE = Exercise(
    number="01.3",
    title="Two segments in one row",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `model_inputs(first, second, length, cls, sep, pad)`. `first` and `second` are lists of token ids without
special tokens; `second` may be empty. Return three lists of the same length, `length`, as a tuple:

1. the ids: `[CLS]` first `[SEP]` second `[SEP]`, then `[PAD]`. Where `second` is empty, its `[SEP]` is not there
   either;
2. the token types: 0 for the first segment with `[CLS]` and its `[SEP]`, 1 for the second with its `[SEP]`, 0 for
   padding;
3. the attention mask: 1 for tokens, special ones too, and 0 for padding.

Raise `ValueError` where the tokens need more than `length` places. (Its message is yours.)
""",
    solution=model_inputs,
    cases=cases,
    shown=shown,
    hints=[
        "Write the ids first; how long each segment is with its special tokens then follows from them.",
        "[0] * 3 is a list of three zeros, and lists are joined with +.",
    ],
    mistakes=[
        Mistake(
            "the first [SEP] belongs to the second segment",
            [("types = [0] * len(ids)", "types = [0] * (len(ids) - 1) + [1]")],
            "To which segment does the first [SEP] belong?",
        ),
        Mistake(
            "the last [SEP] belongs to the first segment",
            [("[1] * (len(second) + 1)", "[1] * len(second) + [0]")],
            "To which segment does the last [SEP] belong?",
        ),
        Mistake(
            "padding belongs to the second segment",
            [("types + [0] * missing", "types + [1] * missing")],
            "Which token type does padding get?",
        ),
        Mistake(
            "padding is not masked",
            [("mask + [0] * missing", "mask + [1] * missing")],
            "Your mask is 1 for padding. Nobody should attend to it.",
        ),
        Mistake(
            "special tokens are masked",
            [("mask = [1] * len(ids)", "mask = [int(token not in (cls, sep)) for token in ids]")],
            "[CLS] and [SEP] are tokens that others may attend to. What is their mask?",
        ),
        Mistake(
            "a [SEP] for an empty second segment",
            [("if second:", "if True:")],
            "Where there is no second segment, its [SEP] is not there either.",
        ),
        Mistake(
            "no [SEP] at the end",
            [("[*ids, *second, sep]", "[*ids, *second]"), ("[1] * (len(second) + 1)", "[1] * len(second)")],
            "The second segment ends with a special token, too.",
        ),
        Mistake(
            "a second [CLS]",
            [
                ("[*ids, *second, sep]", "[*ids, cls, *second, sep]"),
                ("(len(second) + 1)", "(len(second) + 2)"),
            ],
            "There is one [CLS] in a row, at its beginning.",
        ),
        Mistake(
            "padding with 0",
            [("ids + [pad] * missing", "ids + [0] * missing")],
            "Which id does padding have? It is an argument.",
        ),
        Mistake(
            "padding on the left",
            [
                ("ids + [pad] * missing", "[pad] * missing + ids"),
                ("types + [0] * missing", "[0] * missing + types"),
                ("mask + [0] * missing", "[0] * missing + mask"),
            ],
            "Padding stands after the tokens here.",
        ),
        Mistake(
            "a text that is too long goes through",
            [("if missing < 0:", "if False:")],
            "What happens in your function when there are more tokens than places?",
        ),
        Mistake(
            "a text that is too long is cut",
            [
                ("if missing < 0:", "if False:"),
                (
                    "return ids + [pad] * missing, types + [0] * missing, mask + [0] * missing",
                    "return (ids + [pad] * missing)[:length], (types + [0] * missing)[:length], (mask + [0] "
                    "* missing)[:length]",
                ),
            ],
            "Too long a text is cut in silence by your function. An error was asked for.",
        ),
    ],
    other_ways=[by_positions, from_triples, by_arithmetic],
)
