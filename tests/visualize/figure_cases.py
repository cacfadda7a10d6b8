"""Every figure function of the package, as a table, so that what holds for all is tested for all."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure

from convbert_edu import visualize
from convbert_edu.models.outputs import ModelOutput

ENGLISH = "[CLS] an extraordinarily long , un ##watch ##able film for $ 5 ? or $ 7 ! [SEP]".split()
HEBREW = "[CLS] הסרט הזה ארוך מאוד , אבל טוב [SEP]".split()
ARABIC = "[CLS] هذا الفيلم طويل جدا لكنه جميل [SEP]".split()
CHINESE = "[CLS] 这 部 电 影 非 常 好 看 。 [SEP]".split()

LAYERS, HEADS, KERNEL = 2, 3, 9


def tokens(count: int, words: Sequence[str] = ENGLISH) -> list[str]:
    return [words[position % len(words)] for position in range(count)]


def weights(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)


def _two_contexts(words: list[str], **options: Any) -> Figure:
    size = len(words) if len(words) % 2 else len(words) - 1
    size = max(1, min(size, KERNEL))
    pairs = {kind: tuple(weights(2, size)) for kind in ("fixed", "dynamic", "span-based")}
    return visualize.plot_two_contexts(pairs, (words[:size], words[-size:]), **options)


def even_and_peaked(length: int) -> ModelOutput:
    """What a model would give whose layer 0 weighs all tokens alike, and whose layer 1 looks at one token only."""
    return ModelOutput(
        attentions=tuple(_layer(peaked, length, length) for peaked in (False, True)),
        conv_kernels=tuple(_layer(peaked, length, KERNEL) for peaked in (False, True)),
    )


def _layer(peaked: bool, rows: int, columns: int) -> torch.Tensor:
    logits = torch.zeros(1, HEADS, rows, columns)
    logits[..., 0] = 20 * peaked
    return logits.softmax(dim=-1)


# Each takes the tokens of a sentence, and `ax`.
OF_TOKENS: dict[str, Callable[..., Figure]] = {
    "attention": lambda t, **o: visualize.plot_attention(weights(len(t), len(t)), t, **o),
    "attention_heads": lambda t, **o: visualize.plot_attention_heads(weights(HEADS, len(t), len(t)), t, **o),
    "attention_grid": lambda t, **o: visualize.plot_attention_grid(
        weights(LAYERS, HEADS, len(t), len(t)), t, **o
    ),
    "kernels": lambda t, **o: visualize.plot_kernels(weights(len(t), KERNEL), t, **o),
    "kernels_grid": lambda t, **o: visualize.plot_kernels_grid(
        weights(LAYERS, HEADS, len(t), KERNEL), t, **o
    ),
    "kernel_bars": lambda t, **o: visualize.plot_kernel_bars(weights(len(t[:KERNEL])), t[:KERNEL], **o),
    "mixed_attention": lambda t, **o: visualize.plot_mixed_attention(
        weights(len(t), len(t)), weights(len(t), KERNEL), t, **o
    ),
    "token": lambda t, **o: visualize.plot_token(even_and_peaked(len(t)), t, len(t) // 2, layer=0, head=0, **o),
    "two_contexts": _two_contexts,
    "receptive_field": lambda t, **o: visualize.plot_receptive_field(
        weights(LAYERS, len(t)), t, len(t) // 2, **o
    ),
    "saliency": lambda t, **o: visualize.plot_saliency(weights(len(t)), t, **o),
}

# These show no tokens.
OF_NUMBERS: dict[str, Callable[..., Figure]] = {
    "by_head": lambda **o: visualize.plot_by_head(
        {"attention heads": weights(6, 6), "convolution heads": weights(6, 6) - 0.1},
        "share of the weight",
        **o,
    ),
    "by_layer": lambda **o: visualize.plot_by_layer({"heads": weights(12, 6)}, "distance", **o),
    "locality": lambda **o: visualize.plot_locality(
        {"with convolution beside them": 9 * weights(4, 2), "without convolution": 9 * weights(4, 4)},
        {"with convolution beside them": weights(4, 2), "without convolution": weights(4, 4)},
        9,
        (8.0, 0.3),
        **o,
    ),
    "kernel_shape": lambda **o: visualize.plot_kernel_shape(weights(12, 6), weights(12, 6) - 0.2, **o),
    "curves": lambda **o: visualize.plot_curves(
        {"pretrained": weights(5, 20), "from scratch": weights(1, 20)}, range(20), **o
    ),
}
