"""Measurements on held-out text, against numbers worked out by hand and models that know the answer."""

import math
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from convbert_edu.pretraining.batches import held_out_batches
from convbert_edu.pretraining.evaluation import (
    always_original,
    detection_metrics,
    evaluate_objective,
    unigram_baseline,
)
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.setup import make_objective
from tiny_corpus import make_corpus, quick_settings


def test_auc_and_f1_by_hand():
    """Of the 2 x 3 pairs of a replaced and an original token 5 are in the right order; one of two is found."""
    scores, replaced = np.array([2.0, -1.0, 0.5, -2.0, -3.0]), np.array([True, True, False, False, False])
    results = detection_metrics(scores, replaced)
    assert results["detection_auc"] == pytest.approx(5 / 6)
    assert results["detection_f1"] == pytest.approx(0.5)  # precision 1/2, recall 1/2
    assert results["replaced_share"] == pytest.approx(0.4)
    assert results["detection_accuracy"] == pytest.approx(3 / 5)


def test_always_original_by_hand():
    """One token of ten is replaced; "original" with a probability of 0.9 costs -0.9 ln 0.9 - 0.1 ln 0.1 = 0.3251."""
    results = always_original(0.1)
    assert results["always_original_accuracy"] == pytest.approx(0.9)
    assert results["always_original_loss"] == pytest.approx(0.32508, abs=1e-5)
    constant = detection_metrics(np.full(10, -1.0), np.arange(10) < 1)
    for name in ("accuracy", "f1", "auc"):
        assert results[f"always_original_{name}"] == pytest.approx(constant[f"detection_{name}"])


def test_unigram_baseline_against_a_loop(tmp_path: Path):
    """The most frequent token of the training text, and the mean of -ln(share), counted token by token."""
    corpus = make_corpus(tmp_path / "corpus")
    masking, vocab = Masking(corpus.tokenizer), len(corpus.tokenizer)
    counts = Counter(int(token) for token in np.fromfile(corpus.train.folder / "tokens.bin", np.uint16))
    for special in corpus.tokenizer.all_special_ids:
        counts.pop(special, None)
    total = sum(counts.values()) + vocab
    targets = [
        int(word)
        for batch in held_out_batches(corpus.held_out, masking, 4, None, 20)
        for word in batch["original_ids"].flatten()[batch["masked_positions"]]
    ]
    results = unigram_baseline(corpus.train.count_tokens(vocab), corpus.held_out, masking, limit=20)
    favourite = max(counts, key=counts.__getitem__)
    assert results["unigram_accuracy"] == pytest.approx(targets.count(favourite) / len(targets))
    mean = sum(-math.log((counts[word] + 1) / total) for word in targets) / len(targets)
    assert results["unigram_perplexity"] == pytest.approx(math.exp(mean))


def test_auc_is_one_half_where_nothing_was_replaced():
    assert detection_metrics(np.array([1.0, -1.0]), np.array([False, False]))["detection_auc"] == 0.5


def test_a_generator_that_knows_one_word_has_the_accuracy_of_that_word(tmp_path: Path):
    """It predicts "the" everywhere: the share of "the" among the masked tokens, whatever the batch size."""
    corpus = make_corpus(tmp_path / "corpus")
    masking, the = Masking(corpus.tokenizer), corpus.tokenizer.convert_tokens_to_ids("the")
    targets = [
        int(word)
        for batch in held_out_batches(corpus.held_out, masking, 4, None, 20)
        for word in batch["original_ids"].flatten()[batch["masked_positions"]]
    ]
    objective = make_objective(quick_settings(), corpus.tokenizer, 32).train()
    with torch.no_grad():
        objective.generator.masked_lm_head.decoder.bias[the] = 100.0
    for batch_size in (7, 20):
        results = evaluate_objective(objective, corpus.held_out, masking, nullcontext(), batch_size, limit=20)
        assert results["masked_lm_accuracy"] == pytest.approx(targets.count(the) / len(targets))
        assert results["replaced_share"] > 0.05
    assert objective.training
