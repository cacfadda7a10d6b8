"""Hiding words: which ones a masked language model has to guess, and what stands in their place."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.random_numbers import TokenStream, uniform


@dataclass
class Masking:
    """How words are hidden."""

    tokenizer: ConvBertTokenizer
    probability: float = 0.15  # of the words of each sequence
    mask_share: float = 0.85  # of the hidden words become [MASK]; the others stay as they are
    whole_word_masking: bool = False  # hide all pieces of a word together

    def __post_init__(self) -> None:
        for name in ("probability", "mask_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, above 0 and up to 1")
        if self.tokenizer.mask_token_id is None:
            raise ValueError(f"{self.tokenizer} has no mask_token; hiding words needs one, such as '[MASK]'")
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))
        # For each token of the vocabulary: is it special, and does it continue the word before it?
        self._special = np.isin(np.arange(len(tokens)), self.tokenizer.all_special_ids)
        self._continues = np.array([token.startswith("##") for token in tokens])

    def words(self, ids: Int[np.ndarray, "batch seq"]) -> Bool[np.ndarray, "batch seq"]:
        """Say which tokens are real words or pieces of them: not padding, not special."""
        return ~self._special[ids]

    def hide(
        self, ids: Int[np.ndarray, "batch seq"], keys: np.ndarray
    ) -> tuple[Int[np.ndarray, "batch seq"], Bool[np.ndarray, "batch seq"], Float[np.ndarray, "batch seq"]]:
        """Return the ids with [MASK] put in, which places are hidden, and a random number for guessing each token.

        keys: one number per row, from which all its random numbers follow, so that a row is masked in the same
        way in whatever batch it stands
        """
        keys, positions = np.asarray(keys)[:, None], np.arange(ids.shape[1])
        words = self.words(ids)
        first_piece = word_starts(words, self._continues[ids]) if self.whole_word_masking else None
        hidden = choose_positions(
            words, uniform(keys, TokenStream.MASKED_POSITION, positions), self.probability, first_piece
        )
        becomes_mask = hidden & (uniform(keys, TokenStream.REPLACEMENT, positions) < self.mask_share)
        masked = np.where(becomes_mask, self.tokenizer.mask_token_id, ids)
        return masked, hidden, uniform(keys, TokenStream.SAMPLED_TOKEN, positions)


def choose_positions(
    words: Bool[np.ndarray, "batch seq"],
    uniform_samples: Float[np.ndarray, "batch seq"],
    probability: float,
    first_piece: Int[np.ndarray, "batch seq"] | None = None,
) -> Bool[np.ndarray, "batch seq"]:
    """Choose a share of the `words` of each row, rounded to whole words but at least one, without replacement.

    The words with the smallest random numbers are taken. With `first_piece`, the place where the word of each token
    begins, pieces share their word's number and go together: words are taken until there are enough pieces.
    """
    if first_piece is not None:
        uniform_samples = np.take_along_axis(uniform_samples, first_piece, axis=1)
    # A stable sort: pieces of a word have the same number and stay side by side.
    order = np.argsort(np.where(words, uniform_samples, 2.0), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(words.shape[1])[None], axis=1)
    if first_piece is not None:
        rank = np.take_along_axis(rank, first_piece, axis=1)
    wanted = np.maximum(1, np.rint(probability * words.sum(axis=1, keepdims=True)))
    return words & (rank < wanted)


def word_starts(
    words: Bool[np.ndarray, "batch seq"], continues: Bool[np.ndarray, "batch seq"]
) -> Int[np.ndarray, "batch seq"]:
    """Return for each token the place where its word begins: a piece that `continues` belongs to the token before.

    At the edge of a sequence, where a long word was cut, a piece begins a word of its own.
    """
    after_special = np.pad(~words[:, :-1], ((0, 0), (1, 0)), constant_values=True)
    begins = ~continues | after_special
    return np.maximum.accumulate(np.where(begins, np.arange(words.shape[1]), 0), axis=1)
