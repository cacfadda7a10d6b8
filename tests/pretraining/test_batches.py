"""Batches: every sequence once an epoch, little padding, and the same however a step is shared out."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from convbert_edu.pretraining.batches import POOL, PretrainingBatches, held_out_batches
from convbert_edu.pretraining.corpus import PretrainingCorpus
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.token_file import TokenFile, write_token_file
from tiny_corpus import make_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> PretrainingCorpus:
    return make_corpus(tmp_path_factory.mktemp("batches") / "corpus")


@pytest.fixture(scope="module")
def masking(corpus: PretrainingCorpus) -> Masking:
    return Masking(corpus.tokenizer)


def make_batches(corpus: PretrainingCorpus, masking: Masking, step_size: int = 8, **changes: int):
    options = dict(max_length=None, seed=0) | changes
    return PretrainingBatches(corpus.train, masking, step_size, **options)


def test_each_epoch_reads_every_sequence_once(corpus, masking):
    batches, count = make_batches(corpus, masking, step_size=4), len(corpus.train)
    assert count > POOL * 4  # more than one pool
    seen = np.concatenate([batches.sequences(step) for step in range(3 * POOL * (count // (POOL * 4) + 1))])
    times = Counter(seen.tolist())
    assert len(times) == count
    assert max(times.values()) - min(times.values()) <= 1


def test_epochs_and_seeds_have_orders_of_their_own(corpus, masking):
    def order(seed: int) -> list[int]:
        batches = make_batches(corpus, masking, step_size=1, seed=seed)
        return [int(batches.sequences(step)[0]) for step in range(2 * POOL)]

    assert order(0) == order(0)
    assert order(0) != order(1)


def test_a_step_does_not_need_those_before_it(corpus, masking):
    batches = make_batches(corpus, masking)
    in_turn = [batches.load(step) for step in range(POOL + 3)]
    alone = make_batches(corpus, masking).load(POOL + 2)
    for name, tensor in alone.items():
        assert torch.equal(tensor, in_turn[-1][name]), name


def test_the_micro_batches_of_a_step_are_the_rows_of_the_whole(corpus, masking):
    batches = make_batches(corpus, masking)
    whole, fourths = batches.load(5), [batches.load(5, number, 4) for number in range(4)]
    for name in ("input_ids", "attention_mask", "token_type_ids", "original_ids", "maskable"):
        assert torch.equal(torch.cat([fourth[name] for fourth in fourths]), whole[name]), name
    assert torch.equal(torch.cat([fourth["uniform_samples"] for fourth in fourths]), whole["uniform_samples"])
    shift = fourths[0]["input_ids"].numel()
    positions = [fourth["masked_positions"] + number * shift for number, fourth in enumerate(fourths)]
    assert torch.equal(torch.cat(positions), whole["masked_positions"])


def test_what_a_batch_says_about_its_tokens_is_true(corpus, masking):
    tokenizer = corpus.tokenizer
    batches = make_batches(corpus, masking, step_size=64)
    batch, numbers = batches.load(0), batches.sequences(0)
    lengths = corpus.train.lengths(numbers)
    masked_ids = batch["input_ids"].flatten()[batch["masked_positions"]]
    assert set(masked_ids.tolist()) - {tokenizer.mask_token_id}  # some masked tokens stay as they are
    pairs = 0
    for row in range(64):
        ids = batch["original_ids"][row].tolist()
        real = int(lengths[row])
        expected = corpus.train.read(numbers[row : row + 1], real, 0)[0].tolist()
        assert ids == expected + [tokenizer.pad_token_id] * (len(ids) - real)
        assert batch["attention_mask"][row].tolist() == [1] * real + [0] * (len(ids) - real)
        special = [
            tokenizer.cls_token_id,
            tokenizer.sep_token_id,
            tokenizer.pad_token_id,
            tokenizer.unk_token_id,
        ]
        assert batch["maskable"][row].tolist() == [token not in special for token in ids]
        first_sep = ids.index(tokenizer.sep_token_id)
        types = [int(first_sep < position < real) for position in range(len(ids))]
        assert batch["token_type_ids"][row].tolist() == types
        pairs += sum(types) > 0
    assert 5 < pairs < 40
    changed = batch["input_ids"] != batch["original_ids"]
    is_masked = torch.zeros(changed.numel(), dtype=torch.bool)
    is_masked[batch["masked_positions"]] = True
    assert not (changed.flatten() & ~is_masked).any()
    assert batch["maskable"].flatten()[batch["masked_positions"]].all()


def test_batches_are_padded_to_a_multiple_of_8_and_little_is_padding(corpus, masking):
    batches = make_batches(corpus, masking)
    real = total = 0
    for step in range(POOL):
        mask = batches.load(step)["attention_mask"]
        assert mask.shape[1] % 8 == 0
        assert mask.sum(dim=1).max() > mask.shape[1] - 8
        real, total = real + int(mask.sum()), total + mask.numel()
    unsorted = corpus.train.lengths(np.arange(len(corpus.train))).mean() / 32
    assert unsorted < 0.75
    assert real / total > 0.8


def test_longer_sequences_are_cut_to_max_length_and_end_with_sep(corpus, masking):
    batches = make_batches(corpus, masking, max_length=12)
    widest = max((batches.load(step) for step in range(POOL)), key=lambda batch: batch["input_ids"].shape[1])
    assert widest["input_ids"].shape[1] == 12  # though no multiple of 8: the model may have 12 positions only
    full = widest["attention_mask"][:, -1] == 1
    assert (widest["original_ids"][full, -1] == corpus.tokenizer.sep_token_id).all()


def test_held_out_batches_are_the_same_on_every_call_whatever_their_size(corpus, masking):
    def masked_tokens(batch_size: int) -> list[int]:
        batches = held_out_batches(corpus.held_out, masking, batch_size, None, limit=30)
        return [int(i) for b in batches for i in b["original_ids"].flatten()[b["masked_positions"]]]

    assert masked_tokens(7) == masked_tokens(30)
    rows = sum(len(b["input_ids"]) for b in held_out_batches(corpus.held_out, masking, 7, None, limit=30))
    assert rows == 30
    count = len(corpus.held_out)
    assert (
        sum(len(b["input_ids"]) for b in held_out_batches(corpus.held_out, masking, 7, None, 10**6)) == count
    )


def test_a_corpus_smaller_than_a_step_is_refused(corpus, masking):
    with pytest.raises(ValueError, match=r"has \d+ sequences, but one step takes 5000 .*lower batch_size"):
        make_batches(corpus, masking, step_size=5000)


def test_a_word_that_looks_like_a_special_token_does_no_harm(corpus, tmp_path: Path):
    """Text about tokenizers: "[PAD]" in the middle of a sentence is no padding."""
    write_token_file(["the cat [PAD] likes the milk [MASK] here"], corpus.tokenizer, tmp_path / "tokens")
    (batch,) = held_out_batches(TokenFile(tmp_path / "tokens"), Masking(corpus.tokenizer), 1, None, 1)
    length = int(batch["attention_mask"].sum())
    assert batch["attention_mask"][0, :length].all()
    assert corpus.tokenizer.pad_token_id in batch["original_ids"][0, :length]
