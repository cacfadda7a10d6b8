"""Exercise 10.2: F1 of entities (lesson 10)"""

from collections import Counter

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def entity_f1(predicted, gold):
    """Return F1 over the entities of all sentences: right are those with the same words and the same kind."""

    def spans(sentences):
        found = set()
        for number, labels in enumerate(sentences):
            start = None
            for t, label in enumerate([*labels, "O"]):
                if start is not None and label != f"I-{labels[start][2:]}":
                    found.add((number, start, t, labels[start][2:]))
                    start = None
                if label.startswith("B-"):
                    start = t
        return found

    ours, theirs = spans(predicted), spans(gold)
    right = len(ours & theirs)
    return 2 * right / (len(ours) + len(theirs)) if ours or theirs else 0.0


def by_precision_and_recall(predicted, gold):
    """Precision and recall first."""

    def entities(labels):
        result, t = [], 0
        while t < len(labels):
            if labels[t][0] == "B":
                kind, end = labels[t].split("-", 1)[1], t + 1
                while end < len(labels) and labels[end] == "I-" + kind:
                    end += 1
                result.append((t, end, kind))
                t = end
            else:
                t += 1
        return result

    right = found = there = 0
    for one, other in zip(predicted, gold, strict=True):
        ours, theirs = entities(one), entities(other)
        found, there = found + len(ours), there + len(theirs)
        right += sum(each in theirs for each in ours)
    precision = right / found if found else 0.0
    recall = right / there if there else 0.0
    return 2 * precision * recall / (precision + recall) if right else 0.0


def with_a_long_text(predicted, gold):
    """All sentences in one row, with an O between them."""

    def as_counter(sentences):
        row = [label for labels in sentences for label in [*labels, "O"]]
        begins = [t for t, label in enumerate(row) if label.startswith("B-")]
        result = Counter()
        for t in begins:
            end = next(u for u in range(t + 1, len(row) + 1) if u == len(row) or row[u] != "I-" + row[t][2:])
            result[t, end, row[t][2:]] += 1
        return result

    ours, theirs = as_counter(predicted), as_counter(gold)
    both = (ours & theirs).total()
    return both / ((ours.total() + theirs.total()) / 2) if both else 0.0


def with_strings(sentences, right_ones):
    """Each entity becomes a text that can be compared."""

    def texts(all_labels):
        found = []
        for i, labels in enumerate(all_labels):
            open_entity = ""
            for t, label in enumerate(labels):
                if label[:2] == "B-":
                    found += [open_entity] if open_entity else []
                    open_entity = f"{i} {label[2:]} {t}"
                elif open_entity and label == "I-" + open_entity.split()[1]:
                    open_entity += f" {t}"
                else:
                    found += [open_entity] if open_entity else []
                    open_entity = ""
            found += [open_entity] if open_entity else []
        return set(found)

    one, two = texts(sentences), texts(right_ones)
    return 2 * len(one & two) / max(1, len(one) + len(two))


def cases():
    """Right, wrong and half right entities, and the traps of the scheme."""
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG", "I-ORG", "I-ORG"]]
    yield Case("all right", (gold, gold))
    yield Case("an end is missing", ([["B-PER", "O", "O", "B-LOC"], ["O", "B-ORG", "I-ORG", "I-ORG"]], gold))
    yield Case("another kind", ([["B-ORG", "I-ORG", "O", "B-LOC"], ["O", "B-ORG", "I-ORG", "I-ORG"]], gold))
    yield Case("kinds that differ in one letter", ([["B-PER", "O"]], [["B-SER", "O"]]))
    yield Case("too many and too few", ([["B-PER", "I-PER", "B-LOC", "B-LOC"], ["O", "O", "O", "O"]], gold))
    yield Case("two neighbours", ([["B-PER", "B-PER", "O"]], [["B-PER", "I-PER", "O"]]))
    yield Case("an I- without a B-", ([["I-PER", "O", "B-LOC"]], [["B-PER", "O", "B-LOC"]]))
    yield Case("an I- of another kind", ([["B-PER", "I-LOC", "O"]], [["B-PER", "O", "O"]]))
    yield Case("nothing anywhere", ([["O", "O"]], [["O", "O"]]))
    yield Case("nothing found", ([["O", "O"]], [["O", "B-PER"]]))
    yield Case(
        "sentences of unequal weight",
        ([["B-A"], ["B-A", "O", "O", "O"]], [["B-A"], ["B-A", "B-A", "B-A", "B-A"]]),
    )
    yield Case("the same place in another sentence", ([["B-A", "O"], ["O", "O"]], [["O", "O"], ["B-A", "O"]]))


def shown(entity_f1):
    """Of two entities one is found, and one more that is none."""
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    assert abs(entity_f1([["B-PER", "I-PER", "B-LOC", "O"]], gold) - 0.5) < 1e-9


EXERCISE = Exercise(
    number="10.2",
    title="F1 of entities",
    difficulty="hard",
    minutes=25,
    task=r"""
Write `entity_f1(predicted, gold)`. Both are lists of sentences, each a list of labels in the scheme BIO: `B-PER`
begins an entity of the kind `PER`, `I-PER` continues it, `O` is outside. An entity ends before the first label
that does not continue it. An `I-` that continues nothing is no entity. (seqeval, the field's usual program, is
more lenient in this one point unless it is asked to be strict.)

A predicted entity is right when the gold labels of that sentence have an entity with the same first word, the same
last word and the same kind. Return F1 over all sentences together, $F_1 = 2 \cdot \mathrm{right} /
(\mathrm{predicted} + \mathrm{gold})$; where there are no entities at all, return 0.0.
""",
    solution=entity_f1,
    cases=cases,
    shown=shown,
    hints=[
        "First write a function that makes a set of entities out of labels: number of the sentence, first "
        "word, end, kind.",
        "Two sets have an intersection: those are the right entities.",
        "Do not forget an entity that lasts until the end of its sentence.",
    ],
    mistakes=[
        Mistake(
            "an entity at the end of a sentence is lost",
            [('[*labels, "O"]', "labels")],
            "An entity that lasts until the end of its sentence is lost in your function.",
        ),
        Mistake(
            "the kind does not count",
            [("found.add((number, start, t, labels[start][2:]))", "found.add((number, start, t))")],
            "An entity with the right words and the wrong kind counts as right in your function.",
        ),
        Mistake(
            "the end does not count",
            [
                (
                    "found.add((number, start, t, labels[start][2:]))",
                    "found.add((number, start, labels[start][2:]))",
                )
            ],
            "An entity with the right first word counts as right in your function, wherever it ends.",
        ),
        Mistake(
            "sentences are mixed up",
            [("found.add((number, start, t,", "found.add((start, t,")],
            "Entities at the same place of different sentences are taken for one in your function.",
        ),
        Mistake(
            "words are counted",
            [
                (
                    "found.add((number, start, t, labels[start][2:]))",
                    "found |= {(number, u, labels[start][2:]) for u in range(start, t)}",
                )
            ],
            "You count words. An entity counts once, as a whole.",
        ),
        Mistake(
            "any I- continues",
            [('label != f"I-{labels[start][2:]}"', 'not label.startswith("I-")')],
            "An I- of another kind does not continue an entity.",
        ),
        Mistake(
            "an I- begins an entity",
            [
                (
                    'if label.startswith("B-"):',
                    'if label.startswith("B-") or (label.startswith("I-") and start is None):',
                )
            ],
            "An I- that continues nothing is no entity here.",
        ),
        Mistake(
            "neighbours are joined",
            [
                (
                    'if start is not None and label != f"I-{labels[start][2:]}":',
                    "if start is not None and label[1:] != labels[start][1:]:",
                ),
                ('if label.startswith("B-"):', 'if label.startswith("B-") and start is None:'),
            ],
            "A B- begins a new entity, even right behind another one of the same kind.",
        ),
        Mistake(
            "precision",
            [
                (
                    "2 * right / (len(ours) + len(theirs)) if ours or theirs else 0.0",
                    "right / len(ours) if ours else 0.0",
                )
            ],
            "That is precision: the share of predicted entities that are right. F1 also counts those that "
            "were missed.",
        ),
        Mistake(
            "recall",
            [
                (
                    "2 * right / (len(ours) + len(theirs)) if ours or theirs else 0.0",
                    "right / len(theirs) if theirs else 0.0",
                )
            ],
            "That is recall: the share of gold entities that were found. F1 also counts those that are too "
            "many.",
        ),
        Mistake(
            "an error where there are no entities",
            [(" if ours or theirs else 0.0", "")],
            "There may be no entities at all. What is returned then?",
        ),
    ],
    other_ways=[by_precision_and_recall, with_a_long_text, with_strings],
)
