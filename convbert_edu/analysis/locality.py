"""How local the heads of a model are, averaged over many sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.analysis.attention_distance import attended_distance, kernels_as_map, mass_in_window
from convbert_edu.analysis.sentences import look_inside, mean_over_tokens
from convbert_edu.tokenizer import ConvBertTokenizer


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
    Raises ValueError for fewer than two texts with a word in them, and as `look_inside` and `mass_in_window`.
    """
    rows, even = [], []
    encoder = getattr(model, "encoder", model)
    for result, _, is_word in look_inside(encoder, tokenizer, texts, max_length, batch_size=32):
        maps = torch.stack(getattr(result, field), dim=1)  # [batch, layers, heads, seq, ...]
        if field == "conv_kernels":
            maps = kernels_as_map(maps)
        keys = is_word if words_only else torch.ones_like(is_word)
        alike = torch.ones_like(maps[:, 0, 0])
        for table, found in ((maps, rows), (alike, even)):
            measures = [attended_distance(table, keys), *(mass_in_window(table, k, keys) for k in windows)]
            found.append(torch.stack([mean_over_tokens(each, is_word) for each in measures], dim=1).cpu())
    every = torch.cat(rows) if rows else torch.empty(0)  # [sentences, measures, layers, heads]
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
