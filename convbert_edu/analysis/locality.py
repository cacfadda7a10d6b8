"""How local heads are: how far attention looks, how kernels are shaped, and the means of a model over many sentences.

Lesson 07 writes most of it itself and compares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from convbert_edu.analysis.sentences import look_inside, mean_over_tokens
from convbert_edu.tokenizer import ConvBertTokenizer


def attended_distance(
    attention: Float[Tensor, "*heads query key"], counted: Bool[Tensor, " key"] | None = None
) -> Float[Tensor, "*heads query"]:
    """Return the mean distance, in tokens, between each token and what it looks at: sum_j P[t, j] |t - j|.

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
    # Which weight of its kernel row t gives to column j.
    taps = offsets + size // 2
    inside = (taps >= 0) & (taps < size)
    taps = taps.clamp(0, size - 1).expand(*kernels.shape[:-1], seq)
    return kernels.gather(-1, taps) * inside


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


def kernel_entropy(kernels: Float[Tensor, "*heads seq kernel"]) -> Float[Tensor, "*heads seq"]:
    """Return the entropy of each kernel as a share of the largest: 0 is one word alone, 1 is all words alike.

    - sum_j w_j log w_j / log k. A kernel of one weight has entropy 0.
    """
    size = kernels.shape[-1]
    if size == 1:
        return torch.zeros_like(kernels[..., 0])
    return torch.special.entr(kernels).sum(dim=-1) / torch.tensor(float(size)).log()


def kernel_centre(kernels: Float[Tensor, "*heads seq kernel"]) -> Float[Tensor, "*heads seq"]:
    """Return the centre of mass of each kernel, in words from the middle: below 0 it leans to the words before.

    sum_j w_j (j - k // 2).
    """
    size = kernels.shape[-1]
    offsets = torch.arange(size, device=kernels.device) - size // 2
    return (kernels * offsets).sum(dim=-1)


@dataclass(frozen=True, kw_only=True)
class Locality:
    """Means over sentences; each sentence counts alike, and within it each word.

    distance: how far heads look, in tokens; mass: by window, the share of their weights inside it
    even_distance, even_mass: the same for a head that looks at all words alike
    distance_error: half of the 95% interval of the mean distance (what other sentences might have given)
    """

    sentences: int
    distance: Float[Tensor, "layers heads"]
    distance_error: Float[Tensor, "layers heads"]
    mass: dict[int, Float[Tensor, "layers heads"]]
    even_distance: float
    even_mass: dict[int, float]


def measure_locality(
    model: nn.Module,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    field: Literal["attentions", "conv_kernels"] = "attentions",
    windows: Sequence[int] = (3, 9),
    words_only: bool = True,
    max_length: int = 128,
) -> Locality:
    """Measure how far each head of `model` looks, over all texts.

    field: the attention heads or the convolution heads, whose kernels are read as maps
    words_only: leave [CLS] and [SEP] out of what is looked at; as tokens that look they are always left out
    Raises ValueError for fewer than two texts with a word in them, for another field or kernels that the model does
    not have, and as `look_inside` and `mass_in_window`.
    """
    rows, even = [], []
    encoder = getattr(model, "encoder", model)
    fields = ("attentions",) if encoder.config.attention_only else ("attentions", "conv_kernels")
    if field not in fields:
        raise ValueError(f"field is {field!r}; of this model choose one of {', '.join(fields)}")
    for result, _, maskable in look_inside(encoder, tokenizer, texts, max_length, batch_size=32):
        # [batch, layers, heads, seq, ...]
        maps = torch.stack(getattr(result, field), dim=1)
        if field == "conv_kernels":
            maps = kernels_as_map(maps)
        keys = maskable if words_only else torch.ones_like(maskable)
        alike = torch.ones_like(maps[:, 0, 0])
        for table, found in ((maps, rows), (alike, even)):
            measures = [attended_distance(table, keys), *(mass_in_window(table, k, keys) for k in windows)]
            found.append(torch.stack([mean_over_tokens(each, maskable) for each in measures], dim=1).cpu())
    # [sentences, measures, layers, heads]
    every = torch.cat(rows) if rows else torch.empty(0)
    if len(every) < 2:
        raise ValueError(f"{len(every)} of the texts have a word in them; at least 2 are needed for a mean")
    distance, *mass = every.mean(dim=0)
    even_distance, *even_mass = torch.cat(even).mean(dim=0).tolist()
    return Locality(
        sentences=len(every),
        distance=distance,
        distance_error=1.96 * every[:, 0].std(dim=0) / len(every) ** 0.5,
        mass=dict(zip(windows, mass, strict=True)),
        even_distance=even_distance,
        even_mass=dict(zip(windows, even_mass, strict=True)),
    )


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
    # A row without any weight has distance 0, not 0 / 0.
    smallest = torch.finfo(attention.dtype).tiny
    return attention / attention.sum(dim=-1, keepdim=True).clamp(min=smallest)
