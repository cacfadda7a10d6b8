"""What no model at all would reach in the games of pretraining: the numbers that every measurement needs beside it."""

import math

import numpy as np

from convbert_edu.data.pretraining.batches import held_out_batches
from convbert_edu.data.pretraining.masking import Masking
from convbert_edu.data.pretraining.token_file import TokenFile


def unigram_guess(
    counts: np.ndarray,
    held_out: TokenFile,
    masking: Masking,
    max_length: int | None = None,
    limit: int = 1000,
) -> dict[str, float]:
    """Guess hidden words by how often each word stands in the training text, whatever stands around them.

    counts [vocab]: how often (see `TokenFile.count_tokens`); one more is added to each, so that none is impossible.
    The hidden words are those of `evaluate_game`. Returns unigram_accuracy (of the most frequent word, always) and
    unigram_perplexity. Special tokens, which are never hidden, are not counted.
    """
    counts = np.where(masking.words(np.arange(len(counts))[None])[0], counts, 0)
    log_shares = np.log((counts + 1) / (counts + 1).sum())
    hidden = np.concatenate(
        [
            batch["original_ids"].numpy().ravel()[batch["hidden_places"].numpy()]
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
