"""What gradients say about tokens: on which of them a vector depends, and which of them a prediction hangs on.

`token_saliency` explains predictions in lesson 09.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from convbert_edu.models.encoder import ConvBertModel


def receptive_field(
    model: ConvBertModel, input_ids: Int[Tensor, "1 seq"], position: int
) -> Float[Tensor, "layers seq"]:
    """Return how strongly the vector at `position` depends on each token's embedding, after each layer.

    It is the Frobenius norm of the Jacobian of the vector with respect to the embedding: exactly zero where
    nothing can arrive. Costs one backward pass per channel and layer.
    Raises ValueError for a position outside the sentence.
    """
    seq = input_ids.shape[1]
    if not 0 <= position < seq:
        raise ValueError(
            f"position is {position}; the sentence has {seq} tokens, so it must be 0 to {seq - 1}"
        )
    # Attention maps are asked for because the derivatives of all channels are computed at once, which PyTorch's
    # fused attention cannot do.
    states = model(input_ids, output_hidden_states=True, output_attentions=True).hidden_states
    first, *later = states
    channels = torch.eye(first.shape[-1], dtype=first.dtype, device=first.device)
    rows = []
    for state in later:
        # [channels out, 1, seq, channels in]
        (jacobian,) = torch.autograd.grad(
            state[0, position], first, channels, retain_graph=True, is_grads_batched=True
        )
        rows.append(jacobian.square().sum(dim=(0, 1, 3)).sqrt())
    return torch.stack(rows).detach()


def token_saliency(
    model: nn.Module,
    input_ids: Int[Tensor, "1 seq"],
    score: Callable[[Any], Tensor],
    **inputs: Tensor,
) -> Float[Tensor, " seq"]:
    """Return the gradient norm for each token: how fast `score` changes as the token's word embedding is moved.

    score: takes the model's result and returns one number, such as `lambda result: result.logits[0, 1]`
    inputs: what else the model is given, such as attention_mask
    Raises ValueError when `score` returns more than one number.
    """
    word_embeddings = getattr(model, "encoder", model).embeddings.word
    vectors = word_embeddings(input_ids).detach().requires_grad_()
    with torch.enable_grad():
        value = score(model(inputs_embeds=vectors, **inputs))
        if value.numel() != 1:
            raise ValueError(
                f"score returned a tensor of shape {tuple(value.shape)}; it must pick one number, as in "
                "lambda result: result.logits[0, 1]"
            )
        (gradient,) = torch.autograd.grad(value, vectors)
    return gradient[0].norm(dim=-1)
