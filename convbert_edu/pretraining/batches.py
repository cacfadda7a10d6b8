"""Batches for pretraining: which sequences each step sees, masked tokens, tensors (lesson 08).

Everything follows from (seed, step): no step needs to know what happened before it. So a run can go on at any step,
and several processes can share the sequences of a step without talking to each other.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.token_file import TokenFile
from convbert_edu.training.random_numbers import Stream, random_bits, shuffled

# Steps are planned in pools of this many, in which sequences are sorted by length, so that little is padding.
POOL = 50
# Rows are padded to a multiple of this: a few shapes only, and those that processors like.
MULTIPLE = 8


class PretrainingBatches:
    """The batches of a pretraining run over `token_file`: for each step `step_size` sequences.

    The corpus is read in a new random order in each epoch, each sequence once.
    Raises ValueError where the corpus has fewer sequences than a step takes.
    """

    def __init__(
        self, token_file: TokenFile, masking: Masking, step_size: int, max_length: int | None, seed: int
    ) -> None:
        if len(token_file) < step_size:
            raise ValueError(
                f"{token_file.folder} has {len(token_file)} sequences, but one step takes {step_size} (batch_size x "
                "gradient_accumulation_steps x processes); lower batch_size or pack more text"
            )
        self.token_file, self.masking, self.step_size, self.seed = token_file, masking, step_size, seed
        self.max_length = max_length or token_file.index["max_length"]
        self._pool: tuple[int, np.ndarray] | None = None

    def sequences(self, step: int) -> np.ndarray:
        """Return the numbers of the sequences of `step` (0, 1, 2, ...), sorted by length."""
        pool, position = divmod(step, POOL)
        if self._pool is None or self._pool[0] != pool:
            self._pool = (pool, self._plan(pool))
        return self._pool[1][position]

    def load(self, step: int, micro_batch: int = 0, micro_batches: int = 1) -> dict[str, Tensor]:
        """Return one of the equal `micro_batches` of the sequences of `step`, masked (see `masked_batch`)."""
        numbers = self.sequences(step)
        # All micro-batches are padded to the same length: padding has an influence on convolutions.
        width = common_width(self.token_file.lengths(numbers), self.max_length)
        rows = np.arange(self.step_size).reshape(micro_batches, -1)[micro_batch]
        keys = random_bits(self.seed, Stream.MASKING, step, rows)
        return masked_batch(self.token_file, numbers[rows], width, self.masking, keys)

    def _plan(self, pool: int) -> np.ndarray:
        """Return the sequences of POOL steps, [POOL, step_size], each row of similar length."""
        size, count = POOL * self.step_size, len(self.token_file)
        positions = np.arange(pool * size, (pool + 1) * size)
        # A pool may reach over the end of an epoch; each epoch has a shuffle of its own.
        of_epochs = []
        for epoch in np.unique(positions // count):
            in_epoch = positions[positions // count == epoch] % count
            of_epochs.append(shuffled(in_epoch, count, self.seed, Stream.SEQUENCE_ORDER, int(epoch)))
        numbers = np.concatenate(of_epochs)
        by_length = numbers[np.argsort(self.token_file.lengths(numbers), kind="stable")]
        order = np.argsort(random_bits(self.seed, Stream.SEQUENCE_ORDER, pool, np.arange(POOL)))
        return by_length.reshape(POOL, self.step_size)[order]


def held_out_batches(
    token_file: TokenFile, masking: Masking, batch_size: int, max_length: int | None, limit: int
) -> Iterator[dict[str, Tensor]]:
    """Yield `limit` sequences, spread evenly over the corpus, in batches; masked alike on every call."""
    count = min(limit, len(token_file))
    numbers = np.arange(count) * len(token_file) // count
    numbers = numbers[np.argsort(token_file.lengths(numbers), kind="stable")]
    max_length = max_length or token_file.index["max_length"]
    for at in range(0, count, batch_size):
        some = numbers[at : at + batch_size]
        width = common_width(token_file.lengths(some), max_length)
        yield masked_batch(token_file, some, width, masking, random_bits(Stream.MASKING, some))


def common_width(lengths: np.ndarray, max_length: int) -> int:
    """Return the width of a batch: its longest sequence, rounded up to a multiple of 8, but at most `max_length`."""
    return min(max_length, -(-int(lengths.max()) // MULTIPLE) * MULTIPLE)


def masked_batch(
    token_file: TokenFile, numbers: np.ndarray, width: int, masking: Masking, keys: np.ndarray
) -> dict[str, Tensor]:
    """Read sequences, cut or padded to `width`, and mask tokens.

    input_ids [batch, seq]: with [MASK]; original_ids: before; attention_mask, token_type_ids: as always
    maskable [batch, seq]: neither padding nor special
    masked_positions [masked]: the masked tokens, counted through the flattened batch
    uniform_samples [masked]: for each of them the number (0 to 1) that the generator's prediction is drawn with
    """
    tokenizer = masking.tokenizer
    ids = token_file.read(numbers, width, tokenizer.pad_token_id)
    lengths = token_file.lengths(numbers)
    ids[lengths > width, -1] = tokenizer.sep_token_id
    is_real = np.arange(width) < lengths[:, None]
    is_sep = ids == tokenizer.sep_token_id
    after_first_sep = (np.cumsum(is_sep, axis=1) - is_sep > 0) & is_real
    masked_ids, is_masked, uniform_samples = masking.mask_tokens(ids, keys)
    arrays = {
        "input_ids": masked_ids,
        "attention_mask": is_real.astype(np.int64),
        "token_type_ids": after_first_sep.astype(np.int64),
        "original_ids": ids,
        "maskable": masking.maskable(ids),
        "masked_positions": np.flatnonzero(is_masked),
        "uniform_samples": uniform_samples[is_masked].astype(np.float32),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
