"""Masking: which tokens a masked language model has to predict, and what stands in their place (lesson 08)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.random_numbers import TokenStream, uniform


@dataclass
class Masking:
    """How tokens are masked.

    probability: share of the maskable tokens of each sequence that are masked
    mask_share: share of the masked tokens that become [MASK]; the others stay as they are
    whole_word_masking: whether all pieces of a word are masked together
    """

    tokenizer: ConvBertTokenizer
    probability: float = 0.15
    mask_share: float = 0.85
    whole_word_masking: bool = False

    def __post_init__(self) -> None:
        for name in ("probability", "mask_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, above 0 and up to 1")
        if self.tokenizer.mask_token_id is None:
            raise ValueError(f"{self.tokenizer} has no mask_token; masking needs one, such as '[MASK]'")
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))
        # For each token of the vocabulary: is it special, and does it continue the word before it?
        self._special = np.isin(np.arange(len(tokens)), self.tokenizer.all_special_ids)
        self._continues = np.array([token.startswith("##") for token in tokens])

    def maskable(self, ids: Int[np.ndarray, "batch seq"]) -> Bool[np.ndarray, "batch seq"]:
        """Say which tokens may be masked: words or pieces of them, neither padding nor special."""
        return ~self._special[ids]

    def mask_tokens(
        self, ids: Int[np.ndarray, "batch seq"], keys: np.ndarray
    ) -> tuple[Int[np.ndarray, "batch seq"], Bool[np.ndarray, "batch seq"], Float[np.ndarray, "batch seq"]]:
        """Return the ids with [MASK] put in, which positions are masked, and a uniform sample for each token.

        The samples (0 to 1) are what the generator's predictions are drawn with.

        keys: one number per row, from which all its random numbers follow, so that a row is masked in the same
        way in whatever batch it stands
        """
        keys, positions = np.asarray(keys)[:, None], np.arange(ids.shape[1])
        maskable = self.maskable(ids)
        first_piece = word_starts(maskable, self._continues[ids]) if self.whole_word_masking else None
        order_samples = uniform(keys, TokenStream.MASKED_POSITION, positions)
        is_masked = choose_positions(maskable, order_samples, self.probability, first_piece)
        becomes_mask = is_masked & (uniform(keys, TokenStream.REPLACEMENT, positions) < self.mask_share)
        masked_ids = np.where(becomes_mask, self.tokenizer.mask_token_id, ids)
        return masked_ids, is_masked, uniform(keys, TokenStream.SAMPLED_TOKEN, positions)


def choose_positions(
    maskable: Bool[np.ndarray, "batch seq"],
    uniform_samples: Float[np.ndarray, "batch seq"],
    probability: float,
    first_piece: Int[np.ndarray, "batch seq"] | None = None,
) -> Bool[np.ndarray, "batch seq"]:
    """Choose a share of the `maskable` tokens of each row, rounded but at least one, without replacement.

    The tokens with the smallest samples are taken. With `first_piece`, the position where the word of each token
    begins, pieces share their word's sample and go together: words are taken until there are enough pieces.
    """
    if first_piece is not None:
        uniform_samples = np.take_along_axis(uniform_samples, first_piece, axis=1)
    # A stable sort: pieces of a word have the same sample and stay side by side.
    order = np.argsort(np.where(maskable, uniform_samples, 2.0), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(maskable.shape[1])[None], axis=1)
    if first_piece is not None:
        rank = np.take_along_axis(rank, first_piece, axis=1)
    wanted = np.maximum(1, np.rint(probability * maskable.sum(axis=1, keepdims=True)))
    return maskable & (rank < wanted)


def word_starts(
    maskable: Bool[np.ndarray, "batch seq"], continues: Bool[np.ndarray, "batch seq"]
) -> Int[np.ndarray, "batch seq"]:
    """Return for each token the position where its word begins: a piece that `continues` belongs to the token before.

    At the edge of a sequence, where a long word was cut, a piece begins a word of its own.
    """
    after_special = np.pad(~maskable[:, :-1], ((0, 0), (1, 0)), constant_values=True)
    begins = ~continues | after_special
    return np.maximum.accumulate(np.where(begins, np.arange(maskable.shape[1]), 0), axis=1)
