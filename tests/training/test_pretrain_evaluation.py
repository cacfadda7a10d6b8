"""Measurements on held-out text, against numbers worked out by hand and models that know the answer."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from convbert_edu.data.pretraining.batches import held_out_batches
from convbert_edu.data.pretraining.masking import Masking
from convbert_edu.training.pretrain_evaluation import evaluate_game, judge_detection
from convbert_edu.training.pretrain_models import make_game
from tiny_corpus import make_corpus, quick_settings


def test_auc_and_f1_by_hand():
    """Of the 2 x 3 pairs of a replaced and an original word 5 are in the right order; one of two is found."""
    scores, replaced = np.array([2.0, -1.0, 0.5, -2.0, -3.0]), np.array([True, True, False, False, False])
    results = judge_detection(scores, replaced)
    assert results["detection_auc"] == pytest.approx(5 / 6)
    assert results["detection_f1"] == pytest.approx(0.5)  # precision 1/2, recall 1/2
    assert results["replaced_share"] == pytest.approx(0.4)


def test_auc_is_chance_where_nothing_was_replaced():
    assert judge_detection(np.array([1.0, -1.0]), np.array([False, False]))["detection_auc"] == 0.5


def test_a_generator_that_knows_one_word_has_the_accuracy_of_that_word(tmp_path: Path):
    """It says "the" everywhere: the share of "the" among the hidden words, whatever the batch size."""
    corpus = make_corpus(tmp_path / "corpus")
    masking, the = Masking(corpus.tokenizer), corpus.tokenizer.convert_tokens_to_ids("the")
    hidden = [
        int(word)
        for batch in held_out_batches(corpus.held_out, masking, 4, None, 20)
        for word in batch["original_ids"].flatten()[batch["hidden_places"]]
    ]
    game = make_game(quick_settings(), corpus.tokenizer, 32).train()
    with torch.no_grad():
        game.generator.masked_lm_head.decoder.bias[the] = 100.0
    for batch_size in (7, 20):
        results = evaluate_game(game, corpus.held_out, masking, nullcontext(), batch_size, limit=20)
        assert results["masked_lm_accuracy"] == pytest.approx(hidden.count(the) / len(hidden))
        assert results["replaced_share"] > 0.05
    assert game.training
