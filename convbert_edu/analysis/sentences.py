"""Running a model to see what happens inside: over many sentences without a single padded token, or with heads off.

Lesson 07 does both; `convbert-edu export --with-internals` and the explorer switch heads off.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from convbert_edu.models.outputs import ModelOutput
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.tokenizer.padding import check_is_no_string


def look_inside(
    model: nn.Module,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int = 128,
    batch_size: int = 64,
) -> Iterator[tuple[ModelOutput, Int[Tensor, "batch seq"], Bool[Tensor, " seq"]]]:
    """Run `model` over all texts and yield (result, input_ids, maskable) for batches of sentences of equal length.

    Equal lengths because padding leaks into the convolutions, and would be measured too. The result holds attentions
    and kernels; `maskable` is false for [CLS] and [SEP]. Longer texts are cut to `max_length` tokens; texts without a
    word are left out.
    Raises ValueError without texts, and for a model in training mode, whose dropout would blur every number;
    TypeError where `texts` is one string.
    """
    check_is_no_string(texts)
    if not texts:
        raise ValueError("texts is empty; give at least one text")
    if model.training:
        raise ValueError("the model is in training mode, so dropout is on; call model.eval() first")
    by_length: dict[int, list[list[int]]] = defaultdict(list)
    for ids in tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]:
        if len(ids) > 2:
            by_length[len(ids)].append(ids)
    device = next(model.parameters()).device
    for length, rows in sorted(by_length.items()):
        maskable = torch.ones(length, dtype=torch.bool, device=device)
        maskable[[0, -1]] = False
        for at in range(0, len(rows), batch_size):
            ids = torch.tensor(rows[at : at + batch_size], device=device)
            with torch.no_grad():
                result = model(ids, output_attentions=True, output_conv_kernels=True)
            yield result, ids, maskable


def mean_over_tokens(
    values: Float[Tensor, "*heads seq"], counted: Bool[Tensor, " seq"]
) -> Float[Tensor, "*heads"]:
    """Return the mean of one number per token over the tokens that are counted.

    Raises ValueError when none is.
    """
    if not counted.any():
        raise ValueError("counted is false for every token; at least one has to take part")
    return values[..., counted].mean(dim=-1)


@contextmanager
def heads_multiplied(
    encoder: nn.Module,
    attention_heads: Float[Tensor, "layers heads"],
    convolution_heads: Float[Tensor, "layers heads"] | None,
) -> Iterator[None]:
    """Multiply what each head gives to W_O with its number, while this lasts: 0 switches the head off.

    convolution_heads: None for an encoder of self-attention alone
    """
    branches = {"self_attention": attention_heads, "convolution": convolution_heads}
    hooks = [
        getattr(layer.attention, branch).register_forward_hook(_multiplied_by(of_layer))
        for branch, factors in branches.items()
        if factors is not None
        for layer, of_layer in zip(encoder.layers, factors, strict=True)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _multiplied_by(factors: Float[Tensor, " heads"]) -> Callable[..., Any]:
    def hook(module: nn.Module, inputs: Any, output: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        # Both kinds of heads return their vectors side by side, [B, n, a], and the map or the kernels.
        vectors, internals = output
        return (vectors.unflatten(-1, (len(factors), -1)) * factors[:, None]).flatten(2), internals

    return hook
