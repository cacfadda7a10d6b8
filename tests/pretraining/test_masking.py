"""Masked tokens: exactly as many as asked for, each once, never a special token, evenly spread."""

import numpy as np
import pytest

from convbert_edu.pretraining.masking import Masking, choose_positions
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.random_numbers import random_bits

PAD, UNK, CLS, SEP, MASK = range(5)
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS += [f"word{number}" for number in range(40)] + [f"##piece{number}" for number in range(20)]
PIECE = 45  # the first token that continues a word


@pytest.fixture(scope="module")
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer(TOKENS)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """10,000 sequences of 10 to 64 tokens, a third of them pairs, with an unknown word here and there."""
    draw = np.random.default_rng(0)
    ids = draw.integers(5, len(TOKENS), (10_000, 64))
    ids[draw.random(ids.shape) < 0.01] = UNK
    ids[:, 0] = CLS
    lengths = draw.integers(10, 65, len(ids))
    ids[np.arange(len(ids)), lengths - 1] = SEP
    pairs = np.arange(len(ids)) % 3 == 0
    ids[pairs, 5] = SEP
    ids[np.arange(64) >= lengths[:, None]] = PAD
    return ids


def keys(count: int) -> np.ndarray:
    return random_bits(0, np.arange(count))


def test_ten_thousand_maskings_mask_exactly_15_percent_of_the_tokens(tokenizer, rows):
    masked_ids, is_masked, _ = Masking(tokenizer).mask_tokens(rows, keys(len(rows)))
    maskable = (rows >= 5).sum(axis=1)
    by_hand = [max(1, round(0.15 * int(count))) for count in maskable]
    assert is_masked.sum(axis=1).tolist() == by_hand  # so no position was chosen twice
    assert set(rows[is_masked]).isdisjoint({PAD, UNK, CLS, SEP, MASK})
    assert np.array_equal(masked_ids[~is_masked], rows[~is_masked])


def test_85_percent_of_the_masked_tokens_become_mask_and_the_others_stay(tokenizer, rows):
    masked_ids, is_masked, _ = Masking(tokenizer).mask_tokens(rows, keys(len(rows)))
    became_mask = masked_ids[is_masked] == MASK
    count = is_masked.sum()
    assert abs(became_mask.mean() - 0.85) < 4 * np.sqrt(0.85 * 0.15 / count)
    assert np.array_equal(masked_ids[is_masked][~became_mask], rows[is_masked][~became_mask])


def test_every_position_is_masked_equally_often(tokenizer):
    rows = np.full((10_000, 42), 7)
    rows[:, 0], rows[:, -1] = CLS, SEP
    _, is_masked, _ = Masking(tokenizer).mask_tokens(rows, keys(len(rows)))
    rates = is_masked[:, 1:-1].mean(axis=0)
    assert rates.mean() == 0.15  # 6 of 40
    assert np.abs(rates - 0.15).max() < 5 * np.sqrt(0.15 * 0.85 / 10_000)


def test_a_row_is_masked_alike_in_whatever_batch_it_stands(tokenizer, rows):
    masking, some = Masking(tokenizer), np.array([7, 3, 900])
    whole = masking.mask_tokens(rows, keys(len(rows)))
    three_rows = masking.mask_tokens(rows[some][:, :60], keys(len(rows))[some])
    for all_rows, three in zip(whole, three_rows, strict=True):
        short = (rows[some] != PAD).sum(axis=1) <= 60
        assert np.array_equal(all_rows[some][short, :60], three[short])


def test_another_key_masks_other_tokens(tokenizer, rows):
    first, second = (
        Masking(tokenizer).mask_tokens(rows[:100], random_bits(seed, np.arange(100)))[1] for seed in (0, 1)
    )
    together = (first & second).sum() / first.sum()
    assert 0.08 < together < 0.25  # by chance


def test_whole_words_are_masked_together(tokenizer, rows):
    _, is_masked, _ = Masking(tokenizer, whole_word_masking=True).mask_tokens(rows, keys(len(rows)))
    masked_words = total = 0
    for row, row_is_masked in zip(rows[:2000].tolist(), is_masked[:2000].tolist(), strict=True):
        word: list[bool] = []
        wanted = max(1, round(0.15 * sum(token >= 5 for token in row)))
        longest_word = 0
        for token, token_is_masked in zip([*row, CLS], [*row_is_masked, False], strict=True):
            if token < PIECE and word:  # the word before ends here
                assert all(word) or not any(word)
                longest_word = max(longest_word, len(word))
                masked_words, total, word = masked_words + word[0], total + 1, []
            if token >= 5:
                word.append(token_is_masked)
            elif token_is_masked:
                pytest.fail("a special token is masked")
        assert wanted <= sum(row_is_masked) < wanted + longest_word
    assert 0.15 < masked_words / total < 0.20  # rounded up to whole words


def test_choosing_equals_a_loop_over_rows():
    draw = np.random.default_rng(1)
    maskable, samples = draw.random((50, 30)) < 0.8, draw.random((50, 30))
    chosen = choose_positions(maskable, samples, 0.15)
    for row in range(50):
        positions = [position for position in range(30) if maskable[row, position]]
        positions.sort(key=lambda position: samples[row, position])
        assert np.flatnonzero(chosen[row]).tolist() == sorted(
            positions[: max(1, round(0.15 * len(positions)))]
        )


def test_a_row_without_words_has_nothing_masked(tokenizer):
    masked_ids, is_masked, _ = Masking(tokenizer).mask_tokens(np.array([[CLS, UNK, SEP, PAD]]), keys(1))
    assert not is_masked.any()
    assert masked_ids.tolist() == [[CLS, UNK, SEP, PAD]]


def test_impossible_maskings_are_refused(tokenizer):
    with pytest.raises(ValueError, match="probability is 0"):
        Masking(tokenizer, probability=0.0)
    with pytest.raises(ValueError, match=r"mask_share is 1\.5"):
        Masking(tokenizer, mask_share=1.5)
    with pytest.raises(ValueError, match="no mask_token"):
        Masking(ConvBertTokenizer(TOKENS, mask_token=None))
