"""Which words a verdict hangs on: the length of the gradient at each word's vector."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def token_saliency(
    model: nn.Module,
    input_ids: Int[Tensor, "1 seq"],
    score: Callable[[Any], Tensor],
    **inputs: Tensor,
) -> Float[Tensor, " seq"]:
    """Return for each token how fast `score` changes as its word vector is moved: the gradient's length.

    score: takes the model's result and returns one number, such as `lambda result: result.logits[0, 1]`
    inputs: what else the model is given, such as attention_mask
    Raises ValueError when `score` returns more than one number.
    """
    words = getattr(model, "encoder", model).embeddings.word
    vectors = words(input_ids).detach().requires_grad_()
    with torch.enable_grad():
        value = score(model(inputs_embeds=vectors, **inputs))
        if value.numel() != 1:
            raise ValueError(
                f"score returned a tensor of shape {tuple(value.shape)}; it must pick one number, as in "
                "lambda result: result.logits[0, 1]"
            )
        (gradient,) = torch.autograd.grad(value, vectors)
    return gradient[0].norm(dim=-1)
