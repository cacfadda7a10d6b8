"""The paper, one idea a file, in the order of the lessons that build it.

embeddings           lesson 01  token ids -> vectors
self_attention       lesson 02  the heads that see the whole sentence
dynamic_convolution  lesson 03  the heads that see a window: LConv, DConv, and the paper's SDConv
mixed_attention      lesson 04  both kinds of heads side by side (Mixed-Attn), and BERT's block to compare with
feed_forward         lesson 05  dense and grouped
encoder_layer        lesson 05  mixed attention and feed-forward, each with a residual connection

Read these last, for they are about speed and hold no idea of the paper:
apply_kernels        lesson 14  the weighted sum over each window, and its gradient
dropout              lesson 14  fewer random numbers on a CPU
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
from convbert_edu.layers.mixed_attention import AttentionOnly, MixedAttention
from convbert_edu.layers.self_attention import SelfAttention

__all__ = [
    "AttentionOnly",
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
