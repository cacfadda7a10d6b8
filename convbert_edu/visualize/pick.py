"""Taking attention maps and kernels out of a model's result: which sentence, which layer, which head."""

import torch
from torch import Tensor

from convbert_edu.models.outputs import InsideView

FLAGS = {"attentions": "output_attentions=True", "conv_kernels": "output_conv_kernels=True"}


def pick_layers(source: InsideView | Tensor, field: str, index: int | None) -> Tensor:
    """Return what happened in all layers to one sentence: [layers, heads, seq, ...].

    source: a model's result, or a tensor of just that shape
    field: "attentions" or "conv_kernels"; index: which sentence of a batch, needed where there are several
    Raises ValueError where the result lacks the field, or `index` is missing or out of range.
    """
    if isinstance(source, Tensor):
        _refuse_choices({"index": index})
        return source.detach()
    layers = getattr(source, field)
    if layers is None:
        raise ValueError(
            f"the result holds no {field}; call the model with {FLAGS[field]}"
            + ("" if field == "attentions" else " (a model with attention_only has no kernels)")
        )
    sentences = layers[0].shape[0]
    if index is None and sentences > 1:
        raise ValueError(f"the result holds {sentences} sentences; say which one: index=0 to {sentences - 1}")
    index = index or 0
    check_range("index", index, sentences)
    return torch.stack([layer[index] for layer in layers]).detach()


def pick_one(
    source: InsideView | Tensor, field: str, layer: int | None, head: int | None, index: int | None
) -> tuple[Tensor, str]:
    """Return the map or the kernels of one head, [seq, ...], and the name of what it is.

    Without `head` it is the mean over the heads. A tensor is [seq, ...] of one head or [heads, seq, ...] of several.
    Raises ValueError where `layer` is missing, where a choice is out of range, and as `pick_layers`.
    """
    if isinstance(source, Tensor):
        _refuse_choices({"layer": layer, "head": head, "index": index})
        return _mean_of_heads(source.detach(), "")
    layers = pick_layers(source, field, index)
    if layer is None:
        raise ValueError(
            f"the result holds {len(layers)} layers; say which one: layer=0 to {len(layers) - 1}"
        )
    check_range("layer", layer, len(layers))
    heads = layers[layer]
    if head is None:
        return _mean_of_heads(heads, f"layer {layer}, ")
    check_range("head", head, len(heads))
    return heads[head], f"layer {layer}, head {head}"


def check_range(name: str, value: int, count: int) -> None:
    """Raise ValueError unless `value` counts one of `count` things."""
    if not 0 <= value < count:
        raise ValueError(f"{name} is {value}; it must be 0 to {count - 1}")


def _mean_of_heads(heads: Tensor, where: str) -> tuple[Tensor, str]:
    if heads.dim() == 2:
        return heads, where
    return heads.mean(dim=0), f"{where}mean of {heads.shape[0]} heads"


def _refuse_choices(choices: dict[str, int | None]) -> None:
    for name, value in choices.items():
        if value is not None:
            raise ValueError(
                f"{name}={value} chooses from a model's result, but a tensor was given; leave {name} out, or give "
                "the result"
            )
