"""Rows with a label for each token: what token classification and masked words learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from convbert_edu.data.batching import EncodedRows, pad_rows
from convbert_edu.models.checks import IGNORE_INDEX


@dataclass(frozen=True, kw_only=True)
class EncodedTokens(EncodedRows):
    """Texts with a label for each token (-100: takes no part), and the example that each row belongs to."""

    labels: list[list[int]]
    example_of_row: list[int]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with their `labels` [rows, width]."""
        batch = super().batch(rows, width, epoch)
        labels = pad_rows([self.labels[row] for row in rows], batch["input_ids"].shape[1], IGNORE_INDEX)
        return {**batch, "labels": labels}
