"""A narrower embedding matrix: embeddings of size e < d and a projection that gives back what those of size d gave.

BERT's tables are as wide as the model (V x d numbers); ConvBERT's small sizes have V x e and one e x d matrix.
Lesson 16 counts what that saves.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from convbert_edu.layers import Embeddings

# Rows that the axes and the projection are computed from; more changes little and costs memory.
MOST_ROWS = 50_000


@dataclass(frozen=True, kw_only=True)
class FactorisedEmbeddings:
    """Tables of embedding_size e, and the projection from e to hidden_size d.

    variance_kept: how much of the variance of the old embedding block's output the new one gives back, 0 to 1
    """

    word: Float[Tensor, "vocab e"]
    position: Float[Tensor, "positions e"]
    token_type: Float[Tensor, "types e"]
    projection_weight: Float[Tensor, "d e"]
    projection_bias: Float[Tensor, " d"]
    variance_kept: float


@torch.no_grad()
def factorise_embeddings(
    embeddings: Embeddings, size: int, ids: Int[Tensor, " rows"], positions: Int[Tensor, " rows"]
) -> FactorisedEmbeddings:
    """Return tables of `size` columns that stand for those of `embeddings`, fitted to the tokens of a text.

    ids, positions: tokens as they come in a text, and where they stand; frequent tokens weigh more by coming often
    The block computes y = gamma * (s - mean) / deviation + beta from the sum s of its three tables. Principal axes
    of gamma * s, over the tokens of the text, make the narrow tables; the least-squares solution makes the
    projection from the narrow block's normalised vectors to y.
    Raises ValueError unless `size` is from 2 to below the width of the tables.
    """
    width = embeddings.word.weight.shape[1]
    if not 2 <= size < width:
        raise ValueError(
            f"embedding_size is {size}; it must be at least 2 and below the hidden_size {width} to make the tables "
            "narrower: leave it out to keep them as wide as they are"
        )
    ids, positions = ids[:MOST_ROWS], positions[:MOST_ROWS]
    gamma = embeddings.layer_norm.weight
    tables = [table.weight.double() * gamma for table in (embeddings.word, embeddings.position)]
    types = embeddings.token_type.weight.double() * gamma
    sums = tables[0][ids] + tables[1][positions] + types[0]
    axes = _principal_axes(sums - sums.mean(dim=0), size - 1)
    # LayerNorm subtracts the mean of a vector's e numbers. They lie in the plane where that mean is 0 already, so
    # that it takes nothing away but their length.
    plane = _axes_without_mean(size).to(axes)
    narrow = axes @ plane
    normalised = F.layer_norm((sums - sums.mean(dim=0)) @ narrow, (size,), eps=embeddings.layer_norm.eps)
    target = embeddings(ids[:, None], position_ids=positions[:, None])[:, 0].double()
    ones = torch.ones_like(normalised[:, :1])
    # The columns of `normalised` sum to 0: of all solutions, take the smallest (gelsd).
    solution = torch.linalg.lstsq(
        torch.cat([normalised, ones], dim=1).cpu(), target.cpu(), driver="gelsd"
    ).solution
    fitted = normalised @ solution[:-1].to(axes) + solution[-1].to(axes)
    kept = 1 - (fitted - target).square().sum() / (target - target.mean(dim=0)).square().sum()
    dtype = embeddings.word.weight.dtype
    return FactorisedEmbeddings(
        word=(tables[0] @ narrow).to(dtype),
        position=(tables[1] @ narrow).to(dtype),
        # The mean is subtracted once for each token, and each token has one type.
        token_type=((types - sums.mean(dim=0)) @ narrow).to(dtype),
        projection_weight=solution[:-1].T.to(axes).to(dtype).contiguous(),
        projection_bias=solution[-1].to(axes).to(dtype),
        variance_kept=float(kept),
    )


def _principal_axes(centred: Float[Tensor, "rows d"], count: int) -> Float[Tensor, "d count"]:
    """Return the `count` directions in which the rows vary most."""
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    return vectors.flip(dims=[1])[:, :count]


def _axes_without_mean(size: int) -> Float[Tensor, "rows size"]:
    """Return size - 1 orthonormal rows whose entries each sum to 0 (Helmert's)."""
    rows = torch.zeros(size - 1, size, dtype=torch.float64)
    for number in range(1, size):
        rows[number - 1, :number] = 1.0
        rows[number - 1, number] = -float(number)
    return F.normalize(rows, dim=1)
