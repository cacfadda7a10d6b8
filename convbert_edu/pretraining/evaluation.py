"""Measuring on held-out text: the losses of both objectives, and the baselines that belong beside them (lesson 08)."""

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
    """Measure `objective` on `limit` sequences, always the same ones with the same masked tokens.

    Returns for the generator masked_lm_loss, masked_lm_perplexity and masked_lm_accuracy; for the discriminator
    detection_loss, detection_accuracy, detection_auc, detection_f1 (above score 0 means "replaced") and the share of
    replaced tokens. What these are worth is seen beside `unigram_baseline` and `always_original`.
    """
    device = next(objective.parameters()).device
    was_training = objective.training
    objective.eval()
    masked_tokens = maskable_tokens = masked_lm_loss = num_correct = detection_loss = 0.0
    scores: list[np.ndarray] = []
    replaced: list[np.ndarray] = []
    for batch in held_out_batches(held_out, masking, batch_size, max_length, limit):
        with precision:
            output = objective(**to_device(batch, device))
        masked_tokens += len(batch["masked_positions"])
        masked_lm_loss += output.masked_lm_loss.item()
        num_correct += output.num_correct.item()
        if output.scores is not None:
            maskable = batch["maskable"]
            maskable_tokens += int(maskable.sum())
            detection_loss += output.detection_loss.item()
            scores.append(output.scores.cpu()[maskable].numpy())
            replaced.append(output.replaced.cpu()[maskable].numpy())
    objective.train(was_training)
    results = {
        "masked_lm_loss": masked_lm_loss / masked_tokens,
        "masked_lm_perplexity": math.exp(min(masked_lm_loss / masked_tokens, 100)),
        "masked_lm_accuracy": num_correct / masked_tokens,
    }
    if scores:
        results["detection_loss"] = detection_loss / maskable_tokens
        results |= detection_metrics(np.concatenate(scores), np.concatenate(replaced))
    return results


def detection_metrics(scores: np.ndarray, replaced: np.ndarray) -> dict[str, float]:
    """Return accuracy, AUC and F1 of `scores` against what was really `replaced`, and how much that was."""
    from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

    share = float(replaced.mean())
    return {
        "detection_accuracy": float(accuracy_score(replaced, scores > 0)),
        "detection_auc": float(roc_auc_score(replaced, scores)) if 0 < share < 1 else 0.5,
        "detection_f1": float(f1_score(replaced, scores > 0, zero_division=0.0)),
        "replaced_share": share,
    }


# Baselines: what is reached without looking at the text around a token.


def unigram_baseline(
    counts: np.ndarray,
    held_out: TokenFile,
    masking: Masking,
    max_length: int | None = None,
    limit: int = 1000,
) -> dict[str, float]:
    """Predict masked tokens by how often each token stands in the training text, whatever stands around them.

    counts [vocab]: how often (see `TokenFile.count_tokens`); one more is added to each, so that none is impossible.
    The masked tokens are those of `evaluate_objective`. Returns unigram_accuracy (of predicting the most frequent token
    always) and unigram_perplexity. Special tokens, which are never masked, are not counted.
    """
    counts = np.where(masking.maskable(np.arange(len(counts))[None])[0], counts, 0)
    log_shares = np.log((counts + 1) / (counts + 1).sum())
    targets = np.concatenate(
        [
            batch["original_ids"].numpy().ravel()[batch["masked_positions"].numpy()]
            for batch in held_out_batches(held_out, masking, 64, max_length, limit)
        ]
    )
    return {
        "unigram_accuracy": float((targets == counts.argmax()).mean()),
        "unigram_perplexity": math.exp(-log_shares[targets].mean()),
    }


def always_original(replaced_share: float) -> dict[str, float]:
    """Predict "original" for every token: never wrong about an original token, never finds a replaced one.

    The loss is that of the best constant prediction, the share of replaced tokens itself.
    """
    share = replaced_share
    loss = -(share * math.log(share) + (1 - share) * math.log(1 - share)) if 0 < share < 1 else 0.0
    return {
        "always_original_accuracy": 1 - share,
        "always_original_f1": 0.0,
        "always_original_auc": 0.5,
        "always_original_loss": loss,
    }
