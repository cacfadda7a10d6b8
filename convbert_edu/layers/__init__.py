"""The paper, one idea a file.

Read them in this order: dropout, embeddings, self_attention, apply_kernels, dynamic_convolution, mixed_attention,
feed_forward, encoder_layer. Each imports only from those before it.
"""

from convbert_edu.layers.apply_kernels import apply_kernels
from convbert_edu.layers.dropout import Dropout
from convbert_edu.layers.dynamic_convolution import (
    DynamicConvolution,
    FixedConvolution,
    SpanAwareKey,
    SpanDynamicConvolution,
)
from convbert_edu.layers.embeddings import Embeddings
from convbert_edu.layers.encoder_layer import EncoderLayer
from convbert_edu.layers.feed_forward import FeedForward, GroupedLinear
from convbert_edu.layers.mixed_attention import MixedAttention
from convbert_edu.layers.self_attention import SelfAttention

__all__ = [
    "Dropout",
    "DynamicConvolution",
    "Embeddings",
    "EncoderLayer",
    "FeedForward",
    "FixedConvolution",
    "GroupedLinear",
    "MixedAttention",
    "SelfAttention",
    "SpanAwareKey",
    "SpanDynamicConvolution",
    "apply_kernels",
]
