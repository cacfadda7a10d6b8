"""Exercise 14.1: batches of texts of about the same length (lesson 14, section 8)."""

import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def sorted_batches(lengths, batch_size):
    """Return batches of row numbers, the shortest texts first, and the share of all places that is padding."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row])
    batches = [order[at : at + batch_size] for at in range(0, len(order), batch_size)]
    places = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
    return batches, 1 - sum(lengths) / places


def with_tensors(lengths, batch_size):
    """A stable sort of a tensor; each batch counts its own padding."""
    sizes = torch.tensor(lengths)
    batches = sizes.argsort(stable=True).split(batch_size)
    widths = [int(sizes[rows].max()) for rows in batches]
    padding = sum(int((width - sizes[rows]).sum()) for rows, width in zip(batches, widths, strict=True))
    everything = sum(len(rows) * width for rows, width in zip(batches, widths, strict=True))
    return [rows.tolist() for rows in batches], padding / everything


def one_by_one(lengths, batch_size):
    """The text that comes next is looked for among those that are left; a full batch is closed."""
    left, batches, places = list(range(len(lengths))), [], 0
    while left:
        batch = []
        while left and len(batch) < batch_size:
            shortest = left[0]
            for row in left:
                if lengths[row] < lengths[shortest]:
                    shortest = row
            batch.append(shortest)
            left.remove(shortest)
        # The last text of a batch is its longest.
        places += len(batch) * lengths[batch[-1]]
        batches.append(batch)
    return batches, (places - sum(lengths)) / places


def with_pairs(lengths, batch_size):
    """Pairs of a length and a row sort themselves."""
    pairs = sorted(zip(lengths, range(len(lengths)), strict=True))
    count = -(-len(pairs) // batch_size)
    groups = [pairs[i * batch_size : (i + 1) * batch_size] for i in range(count)]
    filled = sum(length for length, _ in pairs)
    rectangle = sum(group[-1][0] * len(group) for group in groups)
    return [[row for _, row in group] for group in groups], 1.0 - filled / rectangle


def cases():
    """Full batches, a last batch that is smaller, texts of equal length, one text."""
    yield Case("six texts in batches of three", ([9, 2, 40, 3, 12, 41], 3))
    yield Case("the last batch is smaller", ([5, 30, 4, 6, 31, 7, 29], 3))
    yield Case("texts of equal length", ([8, 3, 8, 3, 8, 3, 5], 2))
    yield Case("one text", ([17], 4))
    yield Case("batches of one", ([4, 1, 3, 2], 1))
    lengths = torch.randint(3, 60, (20,)).tolist()
    yield Case("twenty texts that were drawn", (lengths, 6))


def shown(sorted_batches):
    """Four texts, two a batch: four of 88 places are padding."""
    batches, padding = sorted_batches([40, 2, 38, 4], 2)
    assert batches == [[1, 3], [2, 0]]
    assert abs(padding - (2 + 2) / (2 * 4 + 2 * 40)) < 1e-9


EXERCISE = Exercise(
    number="14.1",
    title="Texts of about the same length",
    difficulty="easy",
    minutes=15,
    task=r"""
A batch is as wide as its longest text. Write `sorted_batches(lengths, batch_size)`. `lengths` has the number of
tokens of each text. Sort the texts by length, the shortest first, texts of equal length in the order in which they
came, and cut them into batches of `batch_size`; the last batch may be smaller. Return two things: the batches, a list
of lists of row numbers (the first text is row 0), and the share of all places in all batches (the *slots* of the
lesson) that is padding, from 0 to 1.
""",
    solution=sorted_batches,
    cases=cases,
    shown=shown,
    hints=[
        "Sort the row numbers, not the lengths: sorted takes a key.",
        "A batch has as many places as it has texts, times the length of its longest text.",
        "Of all places of all batches together, how many hold a token?",
    ],
    mistakes=[
        Mistake(
            "the order of the file",
            [("key=lambda row: lengths[row]", "key=lambda row: row")],
            "Your batches follow the order of the file: short and long texts share a batch.",
        ),
        Mistake(
            "the longest first",
            [("key=lambda row: lengths[row]", "key=lambda row: -lengths[row]")],
            "Your longest texts come first; the shortest are asked for.",
        ),
        Mistake(
            "equal lengths in reverse order",
            [
                (
                    "sorted(range(len(lengths)), key=lambda row: lengths[row])",
                    "sorted(range(len(lengths)), key=lambda row: (lengths[row], -row))",
                )
            ],
            "Texts of equal length have changed places. Is your sort stable?",
        ),
        Mistake(
            "lengths in place of row numbers",
            [("return batches,", "return [[lengths[row] for row in batch] for batch in batches],")],
            "Your batches hold the lengths of the texts. With row numbers one could find the texts again.",
        ),
        Mistake(
            "rows from 1",
            [("return batches,", "return [[row + 1 for row in batch] for batch in batches],")],
            "The first text is row 0.",
        ),
        Mistake(
            "the last batch is lost",
            [("range(0, len(order), batch_size)", "range(0, len(order) - batch_size + 1, batch_size)")],
            "Where the number of texts is no multiple of the batch size, some are in none of your batches.",
        ),
        Mistake(
            "the last batch counts as full",
            [("sum(len(batch) * max", "sum(batch_size * max")],
            "The last batch may be smaller. How many texts are in it?",
        ),
        Mistake(
            "all padded to the longest text",
            [("max(lengths[row] for row in batch)", "max(lengths)")],
            "Each batch is only as wide as its own longest text.",
        ),
        Mistake(
            "padded to the shortest text",
            [("max(lengths[row] for row in batch)", "min(lengths[row] for row in batch)")],
            "A batch must hold its longest text, too.",
        ),
        Mistake(
            "the share of tokens",
            [("1 - sum(lengths) / places", "sum(lengths) / places")],
            "That is the share of places that hold a token. The others are asked for.",
        ),
        Mistake(
            "padding for each token",
            [("1 - sum(lengths) / places", "places / sum(lengths) - 1")],
            "You divide the padding by the number of tokens. The share of all places is asked for.",
        ),
        Mistake(
            "the number of places",
            [("1 - sum(lengths) / places", "places - sum(lengths)")],
            "That is how many places are padding, not which share of them.",
        ),
        Mistake(
            "the mean of the batches' shares",
            [
                (
                    "1 - sum(lengths) / places",
                    "sum(1 - sum(lengths[row] for row in batch) / (len(batch) * max(lengths[row] for row in batch))"
                    " for batch in batches) / len(batches)",
                )
            ],
            "You average the shares of the batches. A batch of long texts has more places and counts more.",
        ),
    ],
    other_ways=[with_tensors, one_by_one, with_pairs],
)
