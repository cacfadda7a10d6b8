"""Padding leaks into the convolutions, here as in the authors' code, unless mask_convolution stops it."""

from typing import Any

import pytest
import torch

from convbert_edu import ConvBertForQuestionAnswering, ConvBertModel
from models.cases import build
from tolerance import assert_same_numbers, largest, rounding

REAL = torch.tensor([[11, 12, 13, 14, 15, 16, 17, 18, 19]])
LENGTH = REAL.shape[1]


def padded(amount: int, left: bool, filler: int) -> tuple[dict[str, torch.Tensor], slice]:
    """REAL with `amount` padding tokens of id `filler`, its positions kept; and where the real tokens are."""
    filling = torch.full((1, amount), filler)
    ids = torch.cat([filling, REAL] if left else [REAL, filling], dim=1)
    real = slice(amount, amount + LENGTH) if left else slice(0, LENGTH)
    mask, positions = torch.zeros_like(ids), torch.zeros_like(ids)
    mask[:, real] = 1
    positions[:, real] = torch.arange(LENGTH)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}, real


def changed(model: ConvBertModel, amount: int, left: bool = False) -> list[int]:
    """The real tokens whose result changes when padding is added."""
    inputs, real = padded(amount, left, filler=1)
    with torch.no_grad():
        alone = model(REAL).last_hidden_state
        difference = (model(**inputs).last_hidden_state[:, real] - alone).abs().amax(dim=(0, 2))
    unchanged = difference < rounding(largest(alone))
    assert ((difference > 1e-3) | unchanged).all(), "clearly changed, or not at all"
    return (difference > 1e-3).nonzero().flatten().tolist()


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
@pytest.mark.parametrize("amount", [1, 2, 5, 20])
@pytest.mark.parametrize("filler", [0, 1, 50])
def test_real_tokens_do_not_depend_on_padding(amount: int, left: bool, filler: int):
    model = build(ConvBertForQuestionAnswering, mask_convolution=True, num_hidden_layers=3)
    inputs, real = padded(amount, left, filler)
    with torch.no_grad():
        asked = dict(output_hidden_states=True, output_conv_kernels=True)
        alone, together = model(REAL, **asked), model(**inputs, **asked)
    for name in ("start_logits", "end_logits"):
        assert_same_numbers(getattr(together, name)[:, real], getattr(alone, name))
    for with_padding, without in zip(together.hidden_states, alone.hidden_states, strict=True):
        assert_same_numbers(with_padding[:, real], without)
    for with_padding, without in zip(together.conv_kernels, alone.conv_kernels, strict=True):
        assert_same_numbers(with_padding[:, :, real], without)


def test_a_batch_gives_each_sentence_what_it_gets_alone():
    model = build(ConvBertModel, mask_convolution=True)
    lengths = [9, 1, 4, 7]
    ids = torch.randint(99, (4, 9))
    mask = (torch.arange(9) < torch.tensor(lengths)[:, None]).long()
    together = model(ids, attention_mask=mask).last_hidden_state
    for row, length in enumerate(lengths):
        alone = model(ids[row : row + 1, :length]).last_hidden_state
        assert_same_numbers(together[row : row + 1, :length], alone)


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
def test_without_it_one_layer_changes_exactly_the_last_half_kernel(kernel_size: int):
    model = build(ConvBertModel, num_hidden_layers=1, conv_kernel_size=kernel_size)
    reach = kernel_size // 2
    assert changed(model, amount=6) == list(range(LENGTH - reach, LENGTH))
    assert changed(model, amount=6, left=True) == list(range(reach))
    assert changed(model, amount=1) == list(range(LENGTH - reach, LENGTH))


def test_without_it_two_layers_carry_padding_to_every_token():
    assert changed(build(ConvBertModel), amount=6) == list(range(LENGTH))


def test_with_it_nothing_changes_and_nothing_leaks_for_kernels_of_one():
    assert changed(build(ConvBertModel, mask_convolution=True), amount=6) == []
    assert changed(build(ConvBertModel, conv_kernel_size=1), amount=6) == []


@pytest.mark.parametrize("changes", [{}, {"num_groups": 1}, {"gamma_bottleneck": True, "head_ratio": 4}])
def test_without_padding_it_changes_nothing(changes: dict[str, Any]):
    plain, masking = (build(ConvBertModel, mask_convolution=on, **changes) for on in (False, True))
    ones = torch.ones_like(REAL)
    expected = plain(REAL, attention_mask=ones).last_hidden_state
    assert_same_numbers(masking(REAL, attention_mask=ones).last_hidden_state, expected)
    assert_same_numbers(masking(REAL).last_hidden_state, expected)
