"""Sequences hold whole sentences, in order, and nothing is lost but scraps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.pretraining.packing import SHORTEST, Packing, pack_document, split_sentences

CLS, SEP = 2, 3


def pack(sentences, number=0, **settings):
    return list(pack_document(sentences, Packing(**settings), number, CLS, SEP))


def numbered(lengths):
    """Sentences of these lengths whose tokens are all different: 10, 11, 12, ..."""
    first = 10
    for length in lengths:
        yield list(range(first, first + length))
        first += length


def test_sentences_are_packed_up_to_the_length():
    packed = pack(list(numbered([6, 6, 6, 6, 6])), max_length=20, short_share=0.0)
    assert packed == [[CLS, *range(10, 28), SEP], [CLS, *range(28, 40), SEP]]


def test_a_sentence_that_is_too_long_is_cut():
    packed = pack(list(numbered([40])), max_length=20, short_share=0.0)
    assert packed == [[CLS, *range(10, 28), SEP], [CLS, *range(28, 46), SEP]]  # and 4 tokens are a scrap


@given(
    lengths=st.lists(st.integers(1, 30), max_size=12),
    max_length=st.integers(8, 40),
    pairs=st.sampled_from([0.0, 0.5, 1.0]),
    short=st.sampled_from([0.0, 0.3]),
    number=st.integers(0, 50),
)
def test_every_token_comes_once_and_in_order(lengths, max_length, pairs, short, number):
    packed = pack(
        list(numbered(lengths)), number, max_length=max_length, pair_share=pairs, short_share=short, seed=4
    )
    text = [token for sequence in packed for token in sequence if token >= 10]
    assert text == sorted(set(text))
    assert all(SHORTEST + 2 <= len(sequence) <= max_length for sequence in packed)
    assert all(sequence[0] == CLS and sequence[-1] == SEP for sequence in packed)
    assert all(sequence.count(SEP) <= (2 if pairs else 1) for sequence in packed)
    if short == 0 and pairs == 0:  # then only the last sequence of the document can be too short to keep
        assert sum(lengths) - len(text) < SHORTEST + max(0, SHORTEST - 1) * sum(
            n > max_length - 2 for n in lengths
        )


def test_a_pair_is_cut_between_sentences():
    for number in range(20):
        (sequence,) = pack(list(numbered([5, 5, 5])), number, max_length=20, pair_share=1.0, short_share=0.0)
        assert sequence.index(SEP) - 1 in (5, 10)
        assert sequence.count(SEP) == 2


def test_shares_of_pairs_and_short_sequences_are_as_asked():
    sentences = list(numbered([3] * 60))
    packed = [
        sequence
        for number in range(400)
        for sequence in pack(sentences, number, max_length=32, pair_share=0.4, short_share=0.25)[:-1]
    ]
    pairs = sum(sequence.count(SEP) == 2 for sequence in packed) / len(packed)
    assert 0.36 < pairs < 0.42  # the shortest of them have no sentence end to cut at
    short = sum(len(sequence) < 29 for sequence in packed) / len(packed)
    assert 0.19 < short < 0.25  # some random shorter lengths are as long as the others


def test_the_same_document_is_always_packed_alike_and_another_number_is_not():
    sentences = list(numbered([4] * 40))
    settings = dict(max_length=24, pair_share=0.5, short_share=0.5)
    assert pack(sentences, 3, **settings) == pack(sentences, 3, **settings)
    assert pack(sentences, 3, **settings) != pack(sentences, 4, **settings)


def test_sentences_end_at_marks_and_lines():
    text = " One. Two!  Three? four\nfive\n\n six "
    assert split_sentences(text) == ["One.", "Two!", "Three?", "four", "five", "six"]
    assert split_sentences("3.5 metres") == ["3.5 metres"]
    assert split_sentences(" \n ") == []


@pytest.mark.parametrize(("field", "value"), [("max_length", 7), ("pair_share", 1.1), ("short_share", -0.1)])
def test_impossible_packings_are_refused(field: str, value: float):
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        Packing(**{field: value})
