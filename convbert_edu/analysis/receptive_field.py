"""Which tokens a vector depends on, layer by layer."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from convbert_edu.models.encoder import ConvBertModel


def receptive_field(
    model: ConvBertModel, input_ids: Int[Tensor, "1 seq"], place: int
) -> Float[Tensor, "layers seq"]:
    """Return how strongly the vector at `place` depends on each token's embedding, after each layer.

    The length (Frobenius norm) of the matrix of derivatives of the vector by the embedding: exactly zero where
    nothing can arrive. Costs one backward pass per channel and layer.
    Raises ValueError for a place outside the sentence.
    """
    seq = input_ids.shape[1]
    if not 0 <= place < seq:
        raise ValueError(f"place is {place}; the sentence has {seq} tokens, so it must be 0 to {seq - 1}")
    # Attention maps are asked for because the derivatives of all channels are computed at once, which PyTorch's
    # fused attention cannot do.
    states = model(input_ids, output_hidden_states=True, output_attentions=True).hidden_states
    first, *later = states
    channels = torch.eye(first.shape[-1], dtype=first.dtype, device=first.device)
    rows = []
    for state in later:
        (jacobian,) = torch.autograd.grad(
            state[0, place], first, channels, retain_graph=True, is_grads_batched=True
        )  # [channels out, 1, seq, channels in]
        rows.append(jacobian.square().sum(dim=(0, 1, 3)).sqrt())
    return torch.stack(rows).detach()
