"""Entities come out as BIO whatever scheme they were written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from convbert_edu.data.formats.conll import bio_names, is_entity_column, to_bio


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("B-a I-a O B-a B-a", "B-a I-a O B-a B-a"),  # BIO
        ("I-a I-a O I-a B-a", "B-a I-a O B-a B-a"),  # IOB1
        ("B-a E-a O S-a S-a", "B-a I-a O B-a B-a"),  # BIOES
        ("B-a L-a O U-a U-a", "B-a I-a O B-a B-a"),  # BILOU
        ("B-a M-a E-a S-a B-b", "B-a I-a I-a B-a B-b"),  # BMES
        ("I-a I-b I-b E-b I-b", "B-a B-b I-b I-b B-b"),  # a kind changes, an entity ends
        ("B-geo-loc I-geo-loc", "B-geo-loc I-geo-loc"),  # a hyphen in the kind
    ],
)
def test_each_scheme_by_hand(labels: str, expected: str):
    assert to_bio(labels.split()) == expected.split()


spans = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from("ab")), max_size=6)


@given(spans, st.sampled_from(["BIO", "IOB1", "BIOES", "BILOU"]))
def test_all_entities_survive(gaps_lengths_kinds: list[tuple[int, int, str]], scheme: str):
    """Entities written in a scheme are read, by another library, from what we made of it."""
    labels: list[str] = []
    expected = []
    for gap, length, kind in gaps_lengths_kinds:
        touches = gap == 0 and bool(labels) and labels[-1].endswith(f"-{kind}")
        labels += ["O"] * gap
        expected.append((kind, len(labels), len(labels) + length - 1))
        first, inside, last, single = {
            "BIO": "BIIB",
            "IOB1": "BIIB" if touches else "IIII",
            "BIOES": "BIES",
            "BILOU": "BILU",
        }[scheme]
        letters = single if length == 1 else first + inside * (length - 2) + last
        labels += [f"{letter}-{kind}" for letter in letters]
    assert get_entities(to_bio(labels)) == expected
    known = {"BIO": IOB2, "IOB1": IOB1, "BIOES": IOBES, "BILOU": BILOU}[scheme]
    (entities,) = Entities([labels], known).entities
    assert [(e.tag, e.start, e.end - 1) for e in entities] == expected


def test_a_label_of_no_scheme_is_refused():
    with pytest.raises(ValueError, match="'Q-a' is neither O nor B-, I-, E- or S-"):
        to_bio(["O", "Q-a"])


def test_names_and_kinds_of_columns():
    assert bio_names(["S-b", "O", "I-a"]) == ("O", "B-a", "I-a", "B-b", "I-b")
    assert is_entity_column(["O", "B-a"])
    assert not is_entity_column(["NOUN", "O", "SCONJ"])
