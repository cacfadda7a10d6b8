"""The least time that a model can take: its bare matrix products, and nothing else; and how many FLOPs it takes.

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
    heads, convolution = config.num_heads_per_branch, not config.attention_only
    for wanted in (
        # Query, key and value.
        True, True, True,
        # The convolution's value, the span-aware key's channels.
        convolution and not config.shared_values, convolution and config.convolution == "span",
    ):  # fmt: skip
        if wanted:
            yield 1, tokens, hidden, branch
    if convolution and config.convolution != "fixed":
        # The dynamic kernels.
        yield 1, tokens, branch, heads * config.conv_kernel_size
    # The attention scores, then their product with the values.
    yield batch * heads, seq, branch // heads, seq
    yield batch * heads, seq, seq, branch // heads
    yield 1, tokens, (2 if convolution else 1) * branch, hidden
    narrow, wide = hidden // config.num_groups, config.intermediate_size // config.num_groups
    yield config.num_groups, tokens, narrow, wide
    yield config.num_groups, tokens, wide, narrow


def forward_flops(config: ConvBertConfig, seq: int) -> int:
    """Return the FLOPs of a forward pass of the encoder on `seq` tokens; a multiplication and an addition are two.

    Matrix products, depthwise filters and windows are counted; what is done once for each number (softmax, GELU,
    LayerNorm, adding a bias) is not. A step of training takes about three times as many.
    """
    multiplications = sum(
        count * rows * inner * columns for count, rows, inner, columns in products(config, 1, seq)
    )
    if not config.attention_only:
        multiplications += window_multiplications(config, seq)
        if config.convolution == "span":
            multiplications += seq * config.hidden_size * config.conv_kernel_size
    projected = config.embedding_size != config.hidden_size
    projection = seq * config.embedding_size * config.hidden_size if projected else 0
    return 2 * (config.num_hidden_layers * multiplications + projection)


def window_multiplications(config: ConvBertConfig, seq: int) -> int:
    """Return the multiplications of values with kernel weights in one layer."""
    return seq * config.branch_size * config.conv_kernel_size


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
