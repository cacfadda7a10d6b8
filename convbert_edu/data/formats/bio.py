"""Entities as labels of words: B-person on the first word of a person, I-person on the others, O outside."""

import re
from collections.abc import Iterable, Sequence

# B and I, and the letters that other schemes add: E or L (the last word), S or U (a single word), M (in the middle).
_ENTITY = re.compile(r"([BIELSUM])-(.+)")
_BEGINS = "BSU"


def is_entity_column(labels: Iterable[str]) -> bool:
    """Say whether labels mark entities (or chunks), rather than, say, parts of speech: some begin with B- or I-."""
    return any(label.startswith(("B-", "I-")) for label in labels)


def to_bio(labels: Sequence[str]) -> list[str]:
    """Return the labels of one sentence in the BIO scheme, whether they are in BIO, IOB1, BIOES, BILOU or BMES.

    An entity goes on only after a word of the same kind that does not end it, so an I- or E- that follows nothing
    begins an entity (which is how IOB1, the scheme of the CoNLL-2003 files, writes most of them).
    Raises ValueError for a label of no such scheme.
    """
    result = []
    goes_on = ""  # the kind of the entity that the next word may belong to
    for label in labels:
        match = _ENTITY.fullmatch(label)
        if label == "O" or not match:
            if label != "O":
                raise ValueError(
                    f"the label {label!r} is neither O nor B-, I-, E- or S- with a kind of entity"
                )
            result.append("O")
            goes_on = ""
            continue
        letter, kind = match.groups()
        begins = letter in _BEGINS or kind != goes_on
        result.append(f"{'B' if begins else 'I'}-{kind}")
        goes_on = "" if letter in "ELSU" else kind
    return result


def bio_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Return O, and B- and I- of each kind of entity in the order of the alphabet."""
    kinds = sorted({match[2] for match in map(_ENTITY.fullmatch, labels) if match})
    return ("O", *(f"{letter}-{kind}" for kind in kinds for letter in "BI"))
