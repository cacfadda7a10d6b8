"""How much memory a training step needs, from the configuration alone: before a machine is rented, or runs out.

Four parts: the weights, their gradients, what the optimiser remembers of each of them, and the activations, the
results of the forward pass that the backward pass needs again. The first three follow from the number of parameters,
the last one from the number of tokens. Written for PyTorch's fused attention, which GPUs use: no [seq, seq] map is
ever kept. Lesson 14 counts the same by hand.
"""

from dataclasses import dataclass

from convbert_edu.config import ConvBertConfig
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.initialisation import init_empty_weights

FLOAT32, BFLOAT16, INT64 = 4, 2, 8
# AdamW remembers a running mean of each gradient and one of its square.
ADAM_STATES = 2


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of a training step, by what they are for."""

    parameters: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All parts together. It is an upper bound: the last gradients come when most activations are gone again."""
        return self.parameters + self.gradients + self.optimizer + self.activations

    def to_dict(self) -> dict[str, int]:
        """Return all parts and their sum as plain JSON values."""
        return {**vars(self), "total": self.total}


def training_memory(
    config: ConvBertConfig,
    batch: int,
    seq: int,
    precision: str = "float32",
    gradient_checkpointing: bool = False,
) -> MemoryEstimate:
    """Estimate a training step of the encoder with AdamW on `batch` rows of `seq` tokens.

    precision: float32, or bfloat16 (autocast: weights stay float32, products and what they read are bfloat16)
    A head on top adds little, but for masked language modelling: tokens x vocab_size numbers, more than once.
    Raises ValueError for another precision, and for sizes below 1.
    """
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision is {precision!r}; choose float32 or bfloat16")
    for name, size in (("batch", batch), ("seq", seq)):
        if size < 1:
            raise ValueError(f"{name} is {size}; it must be at least 1")
    with init_empty_weights():
        model = ConvBertModel(config)
    weights = FLOAT32 * model.num_parameters()
    layers, tokens = config.num_hidden_layers, batch * seq
    layer, shortcut = layer_bytes(config, precision), FLOAT32 * config.hidden_size
    # With checkpointing only the input of each layer is kept, and one layer at a time is computed again.
    kept = layers * shortcut + layer if gradient_checkpointing else layers * layer
    activations = tokens * (embedding_bytes(config) + kept)
    if precision == "bfloat16":
        # Autocast converts each matrix once in a step, and keeps the copy.
        matrices = sum(each.numel() for each in model.layers.parameters() if each.dim() > 1)
        activations += BFLOAT16 * matrices
    return MemoryEstimate(weights, weights, ADAM_STATES * weights, activations)


def embedding_bytes(config: ConvBertConfig) -> int:
    """Return the bytes that one token leaves behind in the embedding block."""
    # The sum that LayerNorm reads with its mean and spread, and what comes out where a projection reads that;
    # dropout keeps one byte for each number. Beside them the token's id and type.
    inputs_of_projection = config.embedding_size if config.embedding_size != config.hidden_size else 0
    dropped = config.embedding_size if config.hidden_dropout_prob else 0
    return FLOAT32 * (config.embedding_size + 2 + inputs_of_projection) + dropped + 2 * INT64


def layer_bytes(config: ConvBertConfig, precision: str) -> int:
    """Return the bytes that one token leaves behind in one layer (fused attention; the convolution branch counted).

    In float32 a result that several operations read is kept once. Under autocast each product keeps a bfloat16 copy
    of its own, beside the float32 that LayerNorm, the depthwise convolution and softmax work with.
    """
    d, a, wide = config.hidden_size, config.branch_size, config.intermediate_size
    heads = config.num_heads_per_branch
    kernels = heads * config.conv_kernel_size
    # The kinds of convolution without a span-aware key keep less; a fixed kernel is kept once, and not per token.
    span, fixed = config.convolution == "span", config.convolution == "fixed"
    # Two LayerNorms keep a mean and a spread each, fused attention keeps the logarithm of each softmax's sum.
    statistics = FLOAT32 * (2 * 2 + heads)
    dropped = 2 * d if config.hidden_dropout_prob else 0
    if precision == "float32":
        # d: the layer's input, the inputs of both LayerNorms, what comes out of the first, the filtered input.
        # a: Q, K, V, what attention gathers, K_s, Q * K_s, V_c, and both branches side by side (2 a).
        without_span_key = 4 * d + 7 * a + (0 if fixed else kernels) + wide
        numbers = without_span_key + d + 2 * a if span else without_span_key
        # V_c is V then, and kept already.
        numbers -= a if config.shared_values else 0
        without_convolution = 4 * d + 5 * a + wide
        return FLOAT32 * (without_convolution if config.attention_only else numbers) + statistics + dropped
    # float32: the inputs of both LayerNorms. bfloat16: the copies that query, key, value and `expand` read;
    # Q, K, V and what attention gathers, which is what the output layer reads where there is no second branch.
    attention = FLOAT32 * 2 * d + BFLOAT16 * (4 * d + 4 * a + wide)
    # float32: the kernels. bfloat16: a copy of the input, V_c, the kernels, and both branches side by side.
    convolution = FLOAT32 * (0 if fixed else kernels) + BFLOAT16 * (d + 3 * a + kernels)
    if config.shared_values:
        # Neither V_c nor the copy of the input that it is computed from.
        convolution -= BFLOAT16 * (d + a)
    if span:
        # float32: the input of the filters, K_s (its bias is float32). bfloat16: the filtered input, Q * K_s.
        convolution += FLOAT32 * (d + a) + BFLOAT16 * (d + a)
    return attention + (0 if config.attention_only else convolution) + statistics + dropped
