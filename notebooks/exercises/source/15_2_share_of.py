"""Exercise 15.2: which rows a process reads (lesson 15, sections 2 and 4)."""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def share_of(rows, rank, world_size):
    """Return the rows that one process reads, and the weight of their mean in the mean of all rows."""
    own = rows[rank::world_size]
    return own, len(own) / len(rows)


def in_blocks(rows, rank, world_size):
    """Neighbours stay together; the first processes take one row more."""
    size, more = divmod(len(rows), world_size)
    start = rank * size + min(rank, more)
    own = rows[start : start + size + (rank < more)]
    return own, len(own) / len(rows)


def by_rounding(rows, rank, world_size):
    """The borders between the processes are rounded down."""
    total = len(rows)
    borders = [total * i // world_size for i in range(world_size + 1)]
    return rows[borders[rank] : borders[rank + 1]], (borders[rank + 1] - borders[rank]) / total


def like_cards(rows, rank, world_size):
    """As cards are dealt, from the last one on."""
    hands = [[] for _ in range(world_size)]
    for i, row in enumerate(reversed(rows)):
        hands[i % world_size].append(row)
    mine = tuple(hands[rank])
    return mine, sum(1 / len(rows) for _ in mine)


def observe(share_of, rows, world_size):
    """What all processes do together; which rows belong to whom is free."""
    shares, weights = zip(
        *(share_of(list(rows), rank, world_size) for rank in range(world_size)), strict=True
    )
    read = [row for share in shares for row in share]
    sizes = [len(share) for share in shares]
    return {
        "rows that no process reads": sorted(set(rows) - set(read)),
        "rows that are read more than once": sorted({row for row in read if read.count(row) > 1}),
        "rows that are not in the batch": sorted(set(read) - set(rows)),
        "the smallest and the largest number of rows": [min(sizes), max(sizes)],
        "the weights that are not the share of the rows, by process": {
            rank: round(float(weight), 4)
            for rank, weight in enumerate(weights)
            if abs(weight - sizes[rank] / len(rows)) > 1e-6
        },
    }


def cases():
    """As many rows for each process, rows left over, fewer rows than processes, one process."""
    for rows, world_size in (
        ([7, 3, 12, 5, 30, 21, 9, 14], 4),
        ([40, 8, 15, 6, 23, 42, 4, 16, 2, 11], 4),
        ([31, 5, 17, 22, 9], 3),
        ([20, 10, 30], 5),
        ([25, 35, 45], 1),
    ):
        word = "process" if world_size == 1 else "processes"
        yield Case(f"{len(rows)} rows, {world_size} {word}", (rows, world_size))


def shown(share_of):
    """Five rows for two processes: three rows and two, in some order."""
    (first, weight), (second, other) = (share_of([4, 8, 15, 16, 23], rank, 2) for rank in (0, 1))
    assert sorted([*first, *second]) == [4, 8, 15, 16, 23]
    assert sorted([len(first), len(second)]) == [2, 3]
    assert abs(weight + other - 1) < 1e-9


EXERCISE = Exercise(
    number="15.2",
    title="Who reads which rows?",
    difficulty="easy",
    minutes=15,
    task=r"""
`world_size` processes share the rows of a batch. Write `share_of(rows, rank, world_size)`, which every process calls
with its own `rank`, from 0 to `world_size - 1`. `rows` is a list of different row numbers, equal in all processes.
Return two things:

* the rows that this process reads. Together the processes read every row exactly once, and no process reads more than
  one row more than another;
* the weight of this process: the number by which its mean loss is multiplied, so that the sum over all processes is the
  mean over all rows.

Which rows a process gets is your choice. There may be fewer rows than processes; then some get none, and their weight
is 0.
""",
    solution=share_of,
    cases=cases,
    shown=shown,
    observe=observe,
    hints=[
        "A slice with a step takes every so-many-th element of a list.",
        "Or cut the list at borders: where rows are left over, some shares have one row more.",
        "A process with three of eleven rows holds three elevenths of the mean.",
    ],
    mistakes=[
        Mistake(
            "every process reads all rows",
            [("rows[rank::world_size]", "rows[:]")],
            "Every process reads all rows: the step takes world_size times the work, and nothing is shared.",
        ),
        Mistake(
            "rows that are left over are dropped",
            [("rows[rank::world_size]", "rows[: len(rows) // world_size * world_size][rank::world_size]")],
            "Some rows are read by nobody: those that are left over after equal shares.",
        ),
        Mistake(
            "the last process takes all that is left over",
            [
                (
                    "rows[rank::world_size]",
                    "rows[rank * (len(rows) // world_size) : "
                    "len(rows) if rank == world_size - 1 else (rank + 1) * (len(rows) // world_size)]",
                )
            ],
            "Your last process takes all that is left over, and the others wait for it. Spread what is left over.",
        ),
        Mistake(
            "shares rounded up",
            [
                (
                    "rows[rank::world_size]",
                    "rows[rank * -(-len(rows) // world_size) : (rank + 1) * -(-len(rows) // world_size)]",
                )
            ],
            "Your shares are rounded up, and too little, or nothing, is left for the last process.",
        ),
        Mistake(
            "filled up with rows from the beginning",
            [("rows[rank::world_size]", "(rows + rows[: -len(rows) % world_size])[rank::world_size]")],
            "You fill up with rows from the beginning, so that all shares are equal. These rows count twice.",
        ),
        Mistake(
            "neighbouring shares overlap",
            [
                (
                    "rows[rank::world_size]",
                    "rows[len(rows) * rank // world_size : len(rows) * (rank + 1) // world_size + 1]",
                )
            ],
            "The last row of your shares is the first one of the next. The end of a slice is exclusive.",
        ),
        Mistake(
            "ranks from 1",
            [("rows[rank::world_size]", "rows[rank + 1 :: world_size]")],
            "Nobody reads the first row in your function. The first process has rank 0.",
        ),
        Mistake(
            "positions in place of rows",
            [("rows[rank::world_size]", "list(range(len(rows)))[rank::world_size]")],
            "You return positions in the list. What stands there are the numbers of the rows.",
        ),
        Mistake(
            "all processes weigh alike",
            [("len(own) / len(rows)", "1 / world_size")],
            "All your processes weigh alike: that is the mean of the means. The shares differ in size.",
        ),
        Mistake(
            "the weight is the number of rows",
            [("len(own) / len(rows)", "len(own)")],
            "Your weights are numbers of rows. They should sum to 1 over all processes.",
        ),
        Mistake(
            "the weight is 1",
            [("len(own) / len(rows)", "1.0")],
            "With a weight of 1 the sum over the processes is world_size times too large.",
        ),
        Mistake(
            "the weight for a sum of losses",
            [("len(own) / len(rows)", "1 / len(rows)")],
            "Your weight suits a sum of losses. Here each process has the mean of its own rows.",
        ),
    ],
    other_ways=[in_blocks, by_rounding, like_cards],
)
