"""Texts with hidden words: hidden anew in each epoch for training, or by the reader, who writes [MASK]."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convbert_edu.data.batching import EncodedRows
from convbert_edu.data.pretraining.counter_random import random_bits
from convbert_edu.data.pretraining.masking import Masking
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.tasks.encoded_tokens import EncodedTokens
from convbert_edu.tokenizer import ConvBertTokenizer

_MASKS = 5  # a stream of random numbers of its own


@dataclass(frozen=True, kw_only=True)
class EncodedHiddenWords(EncodedRows):
    """Texts in which words are hidden when a batch is made: always the same ones in the same epoch."""

    masking: Masking
    example_of_row: list[int]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with [MASK] put in, and as `labels` the hidden words (-100 elsewhere)."""
        batch = super().batch(rows, width, epoch)
        keys = random_bits(_MASKS, epoch, np.array(rows))
        masked, hidden, _ = self.masking.hide(batch["input_ids"].numpy(), keys)
        labels = batch["input_ids"].masked_fill(torch.from_numpy(~hidden), IGNORE_INDEX)
        return {**batch, "input_ids": torch.from_numpy(masked), "labels": labels}


@dataclass(frozen=True, kw_only=True)
class EncodedMasks(EncodedTokens):
    """Texts in which [MASK] stands already; `labels` mark these places."""

    tokenizer: ConvBertTokenizer
