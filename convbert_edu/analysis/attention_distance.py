"""How far a token looks: mean distance, and the share of its attention that stays near."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def attended_distance(
    attention: Float[Tensor, "*heads query key"], counted: Bool[Tensor, " key"] | None = None
) -> Float[Tensor, "*heads query"]:
    """Return the mean distance, in tokens, between each token and what it looks at: sum_j a[t, j] |t - j|.

    counted: which keys take part; the weights of each row are divided by their sum over these. Many heads park their
    attention on [CLS] or [SEP] where they find nothing to do, which says little about how far they look.
    Raises ValueError when no key is counted.
    """
    return (_shares(attention, counted) * _distances(attention)).sum(dim=-1)


def mass_in_window(
    attention: Float[Tensor, "*heads query key"], size: int, counted: Bool[Tensor, " key"] | None = None
) -> Float[Tensor, "*heads query"]:
    """Return for each token the share of its attention that falls on the `size` tokens around it (size odd).

    counted: as in `attended_distance`
    Raises ValueError for an even or negative size, and when no key is counted.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size}; it must be odd and at least 1, so that a window has a middle word")
    near = _distances(attention) <= size // 2
    return (_shares(attention, counted) * near).sum(dim=-1)


def kernels_as_map(kernels: Float[Tensor, "*heads seq kernel"]) -> Float[Tensor, "*heads seq seq"]:
    """Return kernels as maps like those of attention: row t holds the weight that position t gives to each other.

    A band around the diagonal. Weights that fall beyond the ends of the sentence meet zeros there, and are left out:
    the first and last rows sum to less than 1.
    """
    seq, size = kernels.shape[-2:]
    offsets = torch.arange(seq, device=kernels.device) - torch.arange(seq, device=kernels.device).unsqueeze(1)
    places = offsets + size // 2  # which weight of its kernel row t gives to column j
    inside = (places >= 0) & (places < size)
    places = places.clamp(0, size - 1).expand(*kernels.shape[:-1], seq)
    return kernels.gather(-1, places) * inside


def weights_by_offset(
    attention: Float[Tensor, "*heads seq seq"], reach: int
) -> Float[Tensor, "*heads seq offsets"]:
    """Return the weights that each position gives to its neighbours, -reach to +reach: a map read like kernels.

    The opposite of `kernels_as_map`; beyond the ends of the sentence the weight is 0.
    """
    seq = attention.shape[-1]
    positions = torch.arange(seq, device=attention.device)
    columns = positions.unsqueeze(1) + torch.arange(-reach, reach + 1, device=attention.device)
    inside = (columns >= 0) & (columns < seq)
    columns = columns.clamp(0, seq - 1).expand(*attention.shape[:-1], 2 * reach + 1)
    return attention.gather(-1, columns) * inside


def _distances(attention: Tensor) -> Tensor:
    """Return |t - j| for every row t and column j."""
    queries = torch.arange(attention.shape[-2], device=attention.device)
    keys = torch.arange(attention.shape[-1], device=attention.device)
    return (queries.unsqueeze(1) - keys).abs()


def _shares(attention: Tensor, counted: Tensor | None) -> Tensor:
    """Return each row's weights over the counted keys, divided by their sum."""
    if counted is not None:
        if not counted.any():
            raise ValueError("counted is false for every token; at least one has to take part")
        attention = attention * counted
    smallest = torch.finfo(attention.dtype).tiny  # a row without any weight has distance 0, not 0 / 0
    return attention / attention.sum(dim=-1, keepdim=True).clamp(min=smallest)
