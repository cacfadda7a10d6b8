"""A layer adds what its two parts give to what came in, and normalises each sum."""

import torch

from convbert_edu.layers import EncoderLayer
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers


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
    assert_same_numbers(output, expected)


def test_the_map_is_made_only_on_request_and_the_kernels_always():
    layer, inputs = build()
    output, attention_map, kernels = layer(inputs)
    assert attention_map is None
    assert kernels.shape == (2, 2, 6, 5)
    again, attention_map, _ = layer(inputs, return_attention=True)
    assert attention_map.shape == (2, 2, 6, 6)
    assert_same_numbers(output, again)


def test_half_of_what_each_part_adds_is_dropped_in_training_only():
    layer, inputs = build(hidden_dropout_prob=0.5)
    sums = {}
    for name in ("attention_norm", "feed_forward_norm"):
        getattr(layer, name).register_forward_hook(
            lambda _, given, out, name=name: sums.update({name: (given[0], out)})
        )
    for training in (False, True):
        layer.train(training)(inputs)
        after_attention, between = sums["attention_norm"]
        after_feed_forward, _ = sums["feed_forward_norm"]
        for added in (after_attention - inputs, after_feed_forward - between):
            dropped = (added == 0).float().mean()
            assert 0.4 < dropped < 0.6 if training else dropped < 0.01
