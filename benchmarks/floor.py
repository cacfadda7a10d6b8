"""The least time that a model can take: its bare matrix products, and nothing else.

Embeddings, softmax, activations, norms, windows and copies come on top. Each product is done once forward; a training
step does two more of the same size, one for the gradient of the inputs and one for that of the weights.
"""

from collections.abc import Callable, Iterator

import torch

from convbert_edu import ConvBertConfig

# How many side by side, rows, inner width, columns.
Product = tuple[int, int, int, int]


def products(config: ConvBertConfig, batch: int, seq: int) -> Iterator[Product]:
    """Yield the sizes of all matrix products of one layer."""
    tokens, hidden, branch = batch * seq, config.hidden_size, config.branch_size
    heads = config.num_heads_per_branch
    for _ in ("query", "key", "value", "the convolution's value", "the span-aware key's channels"):
        yield 1, tokens, hidden, branch
    # The dynamic kernels.
    yield 1, tokens, branch, heads * config.conv_kernel_size
    # The attention scores, then their product with the values.
    yield batch * heads, seq, branch // heads, seq
    yield batch * heads, seq, seq, branch // heads
    yield 1, tokens, 2 * branch, hidden
    narrow, wide = hidden // config.num_groups, config.intermediate_size // config.num_groups
    yield config.num_groups, tokens, narrow, wide
    yield config.num_groups, tokens, wide, narrow


def make_floor(
    config: ConvBertConfig, batch: int, seq: int, device: torch.device, dtype: torch.dtype, train: bool
) -> Callable[[], None]:
    """Return a function that does the products of all layers, with numbers that are made beforehand."""
    made = []
    for count, rows, inner, columns in products(config, batch, seq):
        left = torch.randn(count, rows, inner, device=device, dtype=dtype)
        # As linear layers keep weights.
        right = torch.randn(count, columns, inner, device=device, dtype=dtype)
        result = torch.randn(count, rows, columns, device=device, dtype=dtype)
        made.append((left, right, result) if count > 1 else (left[0], right[0], result[0]))

    def run() -> None:
        for _ in range(config.num_hidden_layers):
            for left, right, result in made:
                left @ right.mT
                if train:
                    # The gradient of the left side, and of the right side.
                    result @ right
                    result.mT @ left

    return run
