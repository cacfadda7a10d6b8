"""How good is it on text that it never saw? Both games, played on held-out sequences with fixed hidden words."""

import math
from contextlib import AbstractContextManager

import numpy as np
import torch

from convbert_edu.device import to_device
from convbert_edu.pretraining.batches import held_out_batches
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.setup import Objective
from convbert_edu.pretraining.token_file import TokenFile


@torch.no_grad()
def evaluate_objective(
    objective: Objective,
    held_out: TokenFile,
    masking: Masking,
    precision: AbstractContextManager,
    batch_size: int = 64,
    max_length: int | None = None,
    limit: int = 1000,
) -> dict[str, float]:
    """Measure `objective` on `limit` sequences, always the same ones with the same hidden words.

    Returns for the generator masked_lm_loss, masked_lm_perplexity and masked_lm_accuracy; for the discriminator
    detection_loss, detection_accuracy, detection_auc, detection_f1 (above score 0 means "replaced") and the share of
    replaced words. What these are worth is seen beside `pretrain_baselines`.
    """
    device = next(objective.parameters()).device
    was_training = objective.training
    objective.eval()
    hidden = words = masked_lm_loss = num_correct = detection_loss = 0.0
    scores: list[np.ndarray] = []
    replaced: list[np.ndarray] = []
    for batch in held_out_batches(held_out, masking, batch_size, max_length, limit):
        with precision:
            output = objective(**to_device(batch, device))
        hidden += len(batch["masked_positions"])
        masked_lm_loss += output.masked_lm_loss.item()
        num_correct += output.num_correct.item()
        if output.scores is not None:
            maskable = batch["maskable"]
            words += int(maskable.sum())
            detection_loss += output.detection_loss.item()
            scores.append(output.scores.cpu()[maskable].numpy())
            replaced.append(output.replaced.cpu()[maskable].numpy())
    objective.train(was_training)
    results = {
        "masked_lm_loss": masked_lm_loss / hidden,
        "masked_lm_perplexity": math.exp(min(masked_lm_loss / hidden, 100)),
        "masked_lm_accuracy": num_correct / hidden,
    }
    if scores:
        results["detection_loss"] = detection_loss / words
        results |= judge_detection(np.concatenate(scores), np.concatenate(replaced))
    return results


def judge_detection(scores: np.ndarray, replaced: np.ndarray) -> dict[str, float]:
    """Return accuracy, AUC and F1 of `scores` against what was really `replaced`, and how much that was."""
    from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

    share = float(replaced.mean())
    return {
        "detection_accuracy": float(accuracy_score(replaced, scores > 0)),
        "detection_auc": float(roc_auc_score(replaced, scores)) if 0 < share < 1 else 0.5,
        "detection_f1": float(f1_score(replaced, scores > 0, zero_division=0.0)),
        "replaced_share": share,
    }


# What no model at all would reach in the games of pretraining: the numbers that every measurement needs beside it.


def unigram_guess(
    counts: np.ndarray,
    held_out: TokenFile,
    masking: Masking,
    max_length: int | None = None,
    limit: int = 1000,
) -> dict[str, float]:
    """Guess hidden words by how often each word stands in the training text, whatever stands around them.

    counts [vocab]: how often (see `TokenFile.count_tokens`); one more is added to each, so that none is impossible.
    The hidden words are those of `evaluate_objective`. Returns unigram_accuracy (of the most frequent word, always) and
    unigram_perplexity. Special tokens, which are never hidden, are not counted.
    """
    counts = np.where(masking.words(np.arange(len(counts))[None])[0], counts, 0)
    log_shares = np.log((counts + 1) / (counts + 1).sum())
    hidden = np.concatenate(
        [
            batch["original_ids"].numpy().ravel()[batch["masked_positions"].numpy()]
            for batch in held_out_batches(held_out, masking, 64, max_length, limit)
        ]
    )
    return {
        "unigram_accuracy": float((hidden == counts.argmax()).mean()),
        "unigram_perplexity": math.exp(-log_shares[hidden].mean()),
    }


def always_original(replaced_share: float) -> dict[str, float]:
    """Answer "original" for every word: never wrong about a real word, never finds a replaced one.

    The loss is that of the best constant answer, the share of replaced words itself.
    """
    share = replaced_share
    loss = -(share * math.log(share) + (1 - share) * math.log(1 - share)) if 0 < share < 1 else 0.0
    return {
        "always_original_accuracy": 1 - share,
        "always_original_f1": 0.0,
        "always_original_auc": 0.5,
        "always_original_loss": loss,
    }
