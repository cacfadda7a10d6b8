"""Exercise 01.2: which pair of pieces the original WordPiece would merge (lesson 01, section 2)."""

import itertools
from collections import Counter, defaultdict

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def best_pair(words):
    """Return the neighbouring pieces with the highest score; of equal ones, the first in the alphabet."""
    single, pairs = Counter(), Counter()
    for pieces, count in words.items():
        for piece in pieces:
            single[piece] += count
        for pair in itertools.pairwise(pieces):
            pairs[pair] += count
    if not pairs:
        return None
    score = {pair: pairs[pair] / (single[pair[0]] * single[pair[1]]) for pair in pairs}
    return min(score, key=lambda pair: (-score[pair], pair))


def with_indices(words):
    """Positions in place of zip, and a search by hand."""
    single, together = {}, {}
    for pieces, count in words.items():
        for i in range(len(pieces)):
            single[pieces[i]] = single.get(pieces[i], 0) + count
            if i + 1 < len(pieces):
                pair = (pieces[i], pieces[i + 1])
                together[pair] = together.get(pair, 0) + count
    best, highest = None, -1.0
    for pair in sorted(together):
        value = together[pair] / single[pair[0]] / single[pair[1]]
        if value > highest + 1e-12:
            best, highest = pair, value
    return best


def with_pairwise(counts):
    """itertools finds the neighbours, and sorting finds the best."""
    pieces, neighbours = defaultdict(int), defaultdict(int)
    for word, number in counts.items():
        for piece in word:
            pieces[piece] += number
        for both in itertools.pairwise(word):
            neighbours[both] += number
    ranked = sorted(neighbours)
    ranked.sort(key=lambda both: neighbours[both] / (pieces[both[0]] * pieces[both[1]]), reverse=True)
    return ranked[0] if ranked else None


def word_by_word(words):
    """Every word is repeated as often as it occurs."""
    text = [pieces for pieces, count in words.items() for _ in range(count)]
    flat = [piece for pieces in text for piece in pieces]
    pairs = [pair for pieces in text for pair in itertools.pairwise(pieces)]
    single, double = Counter(flat), Counter(pairs)
    return max(
        sorted(double), key=lambda pair: double[pair] / (single[pair[0]] * single[pair[1]]), default=None
    )


def cases():
    """Small vocabularies in which each misunderstanding gives another pair."""
    hug = {("h", "##u", "##g"): 10, ("p", "##u", "##g"): 5, ("p", "##u", "##n"): 12, ("b", "##u", "##n"): 4}
    yield Case("the most frequent pair is not the best", (hug | {("h", "##u", "##g", "##s"): 5},))
    # The first in the alphabet is neither the first nor the last of the dictionary.
    equal = {("c", "##d"): 3, ("b", "##a"): 3, ("e", "##f"): 3}
    yield Case("three pairs are equally good", (equal,))
    # "##a ##b" has 8 / (8 * 8). With pairs that count once in a word, "c ##d" with 1 / (1 * 10) would be better; with
    # pieces that count once in a word, "##d ##d" with 9 / (1 * 1).
    twice = {("x", "##a", "##b", "##a", "##b"): 4, ("x",): 4, ("c", *["##d"] * 10): 1}
    yield Case("pieces and pairs that occur twice in a word", (twice,))
    yield Case(
        "rare and frequent words",
        ({("x", "##y"): 2, ("x",): 5, ("q", "##r"): 40, ("q", "##s"): 41, ("m", "##n"): 10},),
    )
    frequent = {("a", "##x"): 2, ("b", "##x"): 6, ("c", "##d"): 3, ("c",): 20}
    yield Case("a frequent first piece", (frequent,))
    yield Case("words of one piece", ({("a",): 3, ("b",): 1},))


def shown(best_pair):
    """Compare with the most frequent pair."""
    words = {("h", "##u", "##g"): 10, ("h", "##u", "##t"): 12, ("h", "##u", "##g", "##s"): 5}
    assert best_pair(words) == ("##g", "##s"), "h ##u is most frequent, but 5 / (15 * 5) > 27 / (27 * 27)"


EXERCISE = Exercise(
    number="01.2",
    title="The score of the original WordPiece",
    difficulty="medium",
    minutes=20,
    task=r"""
BPE merges the pair of pieces that occurs most often. The original WordPiece merged the pair with the highest score

$$\frac{\mathrm{count}(\text{pair})}{\mathrm{count}(\text{first piece}) \cdot \mathrm{count}(\text{second piece})}.$$

Write `best_pair(words)`. `words` is a dictionary from words, each a tuple of pieces, to how often they occur. All
counts are over all words, each as often as it occurs. Return the pair with the highest score as a tuple of two
pieces; of equal ones, the first in the order of the alphabet; and `None` where no word has two pieces.
""",
    solution=best_pair,
    cases=cases,
    shown=shown,
    hints=[
        "Two counts are needed: one of pieces, one of pairs of neighbours. A word that occurs ten times "
        "adds ten.",
        "itertools.pairwise(pieces) gives the neighbours in a word; so does zip(pieces, pieces[1:]).",
        "min with a key of two parts, the negative score and the pair, settles equal scores by the alphabet.",
    ],
    mistakes=[
        Mistake(
            "the most frequent pair",
            [("pairs[pair] / (single[pair[0]] * single[pair[1]])", "pairs[pair]")],
            "You return the most frequent pair, which is BPE's rule. What is the count divided by?",
        ),
        Mistake(
            "divided by the first piece only",
            [("(single[pair[0]] * single[pair[1]])", "single[pair[0]]")],
            "The count of the pair is divided by the counts of both pieces, not of the first one only.",
        ),
        Mistake(
            "divided by the sum",
            [("(single[pair[0]] * single[pair[1]])", "(single[pair[0]] + single[pair[1]])")],
            "The two counts below the line are multiplied, not added.",
        ),
        Mistake(
            "each word counts once",
            [("single[piece] += count", "single[piece] += 1"), ("pairs[pair] += count", "pairs[pair] += 1")],
            "A word that occurs ten times counts ten times. Where does the number of the word come in?",
        ),
        Mistake(
            "pieces count once for each word",
            [("single[piece] += count", "single[piece] += 1")],
            "Your pairs count as often as their words occur, but your pieces do not.",
        ),
        Mistake(
            "a piece counts once in a word",
            [("for piece in pieces:", "for piece in set(pieces):")],
            "A piece that stands twice in a word counts twice.",
        ),
        Mistake(
            "the lowest score",
            [("(-score[pair], pair)", "(score[pair], pair)")],
            "You return the pair with the lowest score.",
        ),
        Mistake(
            "equal scores in the order of appearance, from the end",
            [
                (
                    "min(score, key=lambda pair: (-score[pair], pair))",
                    "max(score, key=lambda pair: (score[pair], pair))",
                )
            ],
            "Of two pairs with the same score, the first in the order of the alphabet is wanted; yours is "
            "the last.",
        ),
        Mistake(
            "equal scores in the order of appearance",
            [("min(score, key=lambda pair: (-score[pair], pair))", "max(score, key=score.get)")],
            "Of pairs with the same score, the first in the order of the alphabet is wanted; yours is the first "
            "in the dictionary.",
        ),
        Mistake(
            "a pair counts once in a word",
            [("in itertools.pairwise(pieces):", "in set(itertools.pairwise(pieces)):")],
            "A pair that stands twice in a word counts twice.",
        ),
        Mistake(
            "an error where there is no pair",
            [("if not pairs:\n        return None\n    ", "")],
            "There may be no pair at all. What is returned then?",
        ),
        Mistake(
            "the merged piece is returned",
            [
                (
                    "return min(score, key=lambda pair: (-score[pair], pair))",
                    "return ''.join(min(score, key=lambda pair: (-score[pair], pair)))",
                )
            ],
            "The pair is wanted as a tuple of two pieces, not joined.",
        ),
    ],
    other_ways=[with_indices, with_pairwise, word_by_word],
)
