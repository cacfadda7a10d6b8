"""Which heads of a BERT look near? Measure all of them on text, and choose those that become convolutions.

The paper's motivation: some heads only need to learn local dependencies, so a convolution can do their work.
Lesson 16 measures the same by hand.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.analysis.locality import mass_in_window, weights_by_offset
from convbert_edu.analysis.sentences import look_inside, mean_over_tokens
from convbert_edu.tokenizer import ConvBertTokenizer

Choice = Literal["local", "global", "random"]
CHOICES = ("local", "global", "random")
Heads = Choice | Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class HeadLocality:
    """What the heads of a model look at, averaged over `num_texts` texts; each text counts alike.

    mass: share of the attention that falls on the k tokens around the one that looks
    profile: attention at offsets -k//2 to k//2 from it
    """

    num_texts: int
    mass: Float[Tensor, "layers heads"]
    profile: Float[Tensor, "layers heads kernel"]


def measure_heads(
    model: nn.Module,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    kernel_size: int = 9,
    max_length: int = 128,
) -> HeadLocality:
    """Measure the attention heads of `model` over all texts, for windows of `kernel_size` tokens.

    All tokens are looked at, [CLS] and [SEP] included: a head that parks its attention there does not look near.
    Raises ValueError for an even kernel_size, and where no text has a word in it.
    """
    masses, profiles = [], []
    encoder = getattr(model, "encoder", model)
    for result, _, maskable in look_inside(encoder, tokenizer, texts, max_length, batch_size=32):
        # [batch, layers, heads, seq, seq]
        maps = torch.stack(result.attentions, dim=1)
        masses.append(mean_over_tokens(mass_in_window(maps, kernel_size), maskable).cpu())
        profiles.append(weights_by_offset(maps, kernel_size // 2)[..., maskable, :].mean(dim=-2).cpu())
    if not masses:
        raise ValueError(
            f"none of the {len(texts)} texts has a word in it; give text that the model knows to read"
        )
    return HeadLocality(
        num_texts=sum(map(len, masses)),
        mass=torch.cat(masses).mean(dim=0),
        profile=torch.cat(profiles).mean(dim=0),
    )


def choose_heads(
    mass: Float[Tensor, "layers heads"], heads: Heads = "local", seed: int = 0
) -> list[list[int]]:
    """Return for each layer the numbers of the heads that become convolutions: half of them, in ascending order.

    heads: "local", those whose `mass` near the token is the largest; for a control experiment "global", those
        where it is the smallest, or "random", drawn with `seed`; or the numbers themselves, a list for each layer
    Raises ValueError for an odd number of heads and for lists that are no such choice.
    """
    num_layers, num_heads = mass.shape
    if num_heads % 2:
        raise ValueError(
            f"num_attention_heads is {num_heads}; it must be even, because half of the heads stay self-attention and "
            "half become convolutions: take a BERT with an even number of heads"
        )
    half = num_heads // 2
    if not isinstance(heads, str):
        return _checked_lists(heads, num_layers, num_heads)
    if heads not in CHOICES:
        raise ValueError(
            f"heads is {heads!r}; choose one of {', '.join(CHOICES)}, or give a list for each layer"
        )
    if heads == "random":
        generator = torch.Generator().manual_seed(seed)
        ranks = torch.stack([torch.randperm(num_heads, generator=generator) for _ in range(num_layers)])
    else:
        ranks = mass.argsort(dim=1, descending=heads == "local", stable=True)
    return ranks[:, :half].sort(dim=1).values.tolist()


def _checked_lists(heads: Sequence[Any], num_layers: int, num_heads: int) -> list[list[int]]:
    half = num_heads // 2
    if len(heads) != num_layers:
        raise ValueError(
            f"heads has {len(heads)} lists; it must have one for each of the {num_layers} layers that are converted"
        )
    checked = []
    for layer, numbers in enumerate(heads):
        try:
            found = sorted({operator.index(number) for number in numbers})
        except TypeError as error:
            raise ValueError(
                f"heads[{layer}] is {numbers!r}; it must be a list of whole numbers, the heads to replace"
            ) from error
        if len(found) != len(numbers) or len(found) != half or found[0] < 0 or found[-1] >= num_heads:
            raise ValueError(
                f"heads[{layer}] is {list(numbers)}; it must name {half} different heads, half of the {num_heads} "
                f"that the layer has, by their numbers 0 to {num_heads - 1}"
            )
        checked.append(found)
    return checked
