"""Self-attention is softmax(Q K^T / sqrt(D)) V, fused or not, and padding gets none of it."""

import math

import pytest
import torch

from convbert_edu.layers import SelfAttention
from convbert_edu.layers.self_attention import attention_bias_from_mask
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers

BATCH, SEQ = 2, 6


def build(**changes: object) -> tuple[SelfAttention, torch.Tensor, torch.Tensor]:
    """A layer of two heads with 8 channels each, a query for it, and the block's input."""
    layer = SelfAttention(tiny_config(**changes)).eval()
    randomise(layer)
    return layer, torch.randn(BATCH, SEQ, 16), torch.randn(BATCH, SEQ, 32)


def by_hand(
    layer: SelfAttention, query: torch.Tensor, hidden_states: torch.Tensor, lengths: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row, head and token alone; tokens past a row's length do not exist."""
    gathered = torch.zeros(BATCH, SEQ, 16)
    attention_map = torch.zeros(BATCH, 2, SEQ, SEQ)
    for row, length in enumerate(lengths):
        key = hidden_states[row] @ layer.key.weight.T + layer.key.bias
        value = hidden_states[row] @ layer.value.weight.T + layer.value.bias
        for head, channels in enumerate([slice(0, 8), slice(8, 16)]):
            for t in range(SEQ):
                scores = [
                    math.exp(query[row, t, channels] @ key[s, channels] / math.sqrt(8)) for s in range(length)
                ]
                for s, score in enumerate(scores):
                    attention_map[row, head, t, s] = score / sum(scores)
                gathered[row, t, channels] = attention_map[row, head, t] @ value[:, channels]
    return gathered, attention_map


@pytest.mark.parametrize("return_map", [False, True])
@pytest.mark.parametrize("lengths", [[SEQ, SEQ], [SEQ, 2], [1, 4]])
def test_against_loops(return_map: bool, lengths: list[int]):
    layer, query, hidden_states = build()
    mask = (torch.arange(SEQ) < torch.tensor(lengths)[:, None]).float()
    with torch.no_grad():
        bias = attention_bias_from_mask(mask, torch.float32)
        gathered, attention_map = layer(query, hidden_states, bias, return_map)
        expected, expected_map = by_hand(layer, query, hidden_states, lengths)
    assert_same_numbers(gathered, expected)
    if return_map:
        assert_same_numbers(attention_map, expected_map)
    else:
        assert attention_map is None


def test_without_a_mask_all_tokens_are_real():
    layer, query, hidden_states = build()
    bias = attention_bias_from_mask(torch.ones(BATCH, SEQ), torch.float32)
    for return_map in (False, True):
        plain, masked = (layer(query, hidden_states, b, return_map)[0] for b in (None, bias))
        assert_same_numbers(plain, masked)


def test_padding_gets_no_attention_at_all():
    layer, query, hidden_states = build()
    bias = attention_bias_from_mask(torch.tensor([[1.0, 0, 1, 0, 1, 1]] * BATCH), torch.float32)
    _, attention_map = layer(query, hidden_states, bias, return_map=True)
    assert not attention_map[..., [1, 3]].any()
    assert_same_numbers(attention_map.sum(-1), torch.ones(BATCH, 2, SEQ))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("return_map", [False, True])
def test_a_row_of_padding_alone_is_finite(dtype: torch.dtype, return_map: bool):
    layer, query, hidden_states = build()
    bias = attention_bias_from_mask(torch.zeros(BATCH, SEQ), dtype)
    assert torch.isfinite(bias).all()
    gathered, _ = layer.to(dtype)(query.to(dtype), hidden_states.to(dtype), bias, return_map)
    assert torch.isfinite(gathered).all()


@pytest.mark.parametrize("return_map", [False, True])
def test_dropout_forgets_some_tokens_in_training_only(return_map: bool):
    layer, query, hidden_states = build(attention_probs_dropout_prob=0.5)
    layer.value.weight.data.zero_()
    layer.value.bias.data.fill_(1.0)  # each output is now the sum of a row of the map: 1 without dropout
    still, _ = layer(query, hidden_states, None, return_map)
    assert_same_numbers(still, torch.ones_like(still))
    sums, _ = layer.train()(query, hidden_states, None, return_map)
    assert sums.std() > 0.1
    many = torch.stack([layer(query, hidden_states, None, return_map)[0] for _ in range(200)])
    assert abs(many.mean() - 1) < 0.05, "what is kept is scaled up, so that the mean stays"
