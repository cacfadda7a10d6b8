"""A layer adds what its two parts give to what came in, and normalises each sum."""

import torch

from convbert_edu.layers import EncoderLayer
from helpers import randomise, tiny_config


def build(**changes: object) -> tuple[EncoderLayer, torch.Tensor]:
    layer = EncoderLayer(tiny_config(**changes)).eval()
    randomise(layer)
    return layer, torch.randn(2, 6, 32)


def normalise(norm: torch.nn.LayerNorm, vectors: torch.Tensor) -> torch.Tensor:
    centred = vectors - vectors.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-12)
    return scaled * norm.weight + norm.bias


def test_shortcuts_and_norms():
    layer, inputs = build()
    output, _, _ = layer(inputs)
    mixed, _, _ = layer.attention(inputs)
    between = normalise(layer.attention_norm, inputs + mixed)
    expected = normalise(layer.feed_forward_norm, between + layer.feed_forward(between))
    torch.testing.assert_close(output, expected)


def test_the_map_is_made_only_on_request_and_the_kernels_always():
    layer, inputs = build()
    output, attention_map, kernels = layer(inputs)
    assert attention_map is None
    assert kernels.shape == (2, 2, 6, 5)
    again, attention_map, _ = layer(inputs, return_attention=True)
    assert attention_map.shape == (2, 2, 6, 6)
    torch.testing.assert_close(output, again)


def test_dropout_in_training_only():
    layer, inputs = build(hidden_dropout_prob=0.5)
    torch.testing.assert_close(layer(inputs)[0], layer(inputs)[0], rtol=0, atol=0)
    layer.train()
    assert not torch.equal(layer(inputs)[0], layer(inputs)[0])
