"""Batches: complete, padded, of similar length."""

import pytest
import torch

from convbert_edu import ConvBertTokenizer
from convbert_edu.data.batching import (
    POOL,
    TEXTS_AT_ONCE,
    batches_by_length,
    batches_by_tokens,
    encode_rows,
    encode_texts,
)

TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fine", "film"])


def test_a_batch_is_padded_to_its_longest_text():
    examples = encode_texts(TOKENIZER, ["a fine film", "film"], [1, 0])
    batch = examples.batch([0, 1])
    assert batch["input_ids"].tolist() == [[2, 5, 6, 7, 3], [2, 7, 3, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch["token_type_ids"].tolist() == [[0] * 5, [0] * 5]
    assert batch["labels"].tolist() == [1, 0]
    assert examples.batch([1])["input_ids"].tolist() == [[2, 7, 3]]


def test_long_texts_are_cut():
    examples = encode_texts(TOKENIZER, ["a fine film " * 50], [1], max_length=8)
    assert len(examples.input_ids[0]) == 8


@pytest.mark.parametrize("long_ones", [[], [0], [1, TEXTS_AT_ONCE, 2 * TEXTS_AT_ONCE]])
def test_cut_texts_are_counted(long_ones: list[int]):
    texts = ["a fine film"] * (2 * TEXTS_AT_ONCE + 1)
    for number in long_ones:
        texts[number] += " film"
    assert encode_texts(TOKENIZER, texts, [0] * len(texts), max_length=5).cut == len(long_ones)


@pytest.mark.parametrize("count", [TEXTS_AT_ONCE - 1, TEXTS_AT_ONCE, 2 * TEXTS_AT_ONCE + 1])
def test_many_texts_are_tokenised_piece_by_piece_and_none_is_lost(count: int):
    words = ["a", "fine", "film"]
    texts = [" ".join(words[: 1 + number % 3]) for number in range(count)]
    examples = encode_texts(TOKENIZER, texts, [0] * count, text_pairs=texts[::-1])
    whole = TOKENIZER(texts, texts[::-1])
    assert examples.input_ids == whole["input_ids"]
    assert examples.token_type_ids == whole["token_type_ids"]


@pytest.mark.parametrize("shuffle", [None, 0])
def test_every_row_is_in_exactly_one_batch(shuffle):
    lengths = torch.randint(1, 60, (1013,), generator=torch.Generator().manual_seed(1)).tolist()
    generator = None if shuffle is None else torch.Generator().manual_seed(shuffle)
    batches = list(batches_by_length(lengths, 16, generator))
    assert sorted(row for batch in batches for row in batch) == list(range(1013))
    assert max(map(len, batches)) == 16


def test_rows_of_a_batch_have_similar_lengths():
    """Padding is a few percent; batches in file order would waste about half of the same lengths."""
    lengths = torch.randint(1, 61, (16 * POOL * 3,), generator=torch.Generator().manual_seed(1)).tolist()
    batches = list(batches_by_length(lengths, 16, torch.Generator().manual_seed(0)))
    padded = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)


def test_shuffling_depends_on_the_seed_only():
    def draw(seed):
        return list(batches_by_length(list(range(300)), 8, torch.Generator().manual_seed(seed)))

    assert draw(1) == draw(1) != draw(2)


@pytest.mark.parametrize(("texts", "labels"), [([], []), (["a film"], [1, 0])])
def test_texts_without_labels_are_refused(texts, labels):
    with pytest.raises(ValueError, match=f"got {len(texts)} texts and {len(labels)} labels"):
        encode_texts(TOKENIZER, texts, labels)


@pytest.mark.parametrize("pairs", [1000, 1500])
def test_pairs_that_nobody_would_read_are_refused(pairs):
    """Texts are read 1,000 at a time: what stands beyond the last of them would not be missed."""
    texts = ["a film"] * (1000 if pairs == 1500 else 1500)
    with pytest.raises(ValueError, match=f"got {len(texts)} texts and {pairs} text_pairs; give one for each"):
        encode_rows(TOKENIZER, texts, 8, ["a film"] * pairs)


def test_batches_of_a_budget_hold_as_many_rows_as_fit():
    lengths = [3, 50, 9, 10, 1, 7]
    assert list(batches_by_tokens(lengths, 20)) == [[1], [3, 2], [5, 0], [4]]


def test_a_budget_of_tokens_is_kept_and_every_row_comes_once():
    lengths = torch.randint(1, 60, (1013,), generator=torch.Generator().manual_seed(1)).tolist()
    batches = list(batches_by_tokens(lengths, 256))
    assert sorted(row for batch in batches for row in batch) == list(range(1013))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in batches)
