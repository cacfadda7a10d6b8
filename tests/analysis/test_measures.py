"""Distances, masses, entropies and centres against loops over every token, and against cases known by heart."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.analysis import (
    attended_distance,
    kernel_centre,
    kernel_entropy,
    kernels_as_map,
    mass_in_window,
    mean_over_tokens,
    weights_by_offset,
)
from convbert_edu.layers import apply_kernels


def weights(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).softmax(-1)


@given(seq=st.integers(1, 9), size=st.sampled_from([1, 3, 9]), seed=st.integers(0, 99), data=st.data())
def test_distance_and_mass_equal_loops(seq, size, seed, data):
    attention = weights(2, seq, seq, seed=seed)
    counted = torch.tensor(data.draw(st.lists(st.booleans(), min_size=seq, max_size=seq).filter(any)))
    distance, mass = attended_distance(attention, counted), mass_in_window(attention, size, counted)
    for head in range(2):
        for t in range(seq):
            row = [float(attention[head, t, j]) if counted[j] else 0.0 for j in range(seq)]
            far = sum(weight * abs(t - j) for j, weight in enumerate(row)) / sum(row)
            near = sum(weight for j, weight in enumerate(row) if abs(t - j) <= size // 2) / sum(row)
            assert math.isclose(float(distance[head, t]), far, abs_tol=1e-12)
            assert math.isclose(float(mass[head, t]), near, abs_tol=1e-12)


def test_looking_only_at_the_neighbour_is_a_distance_of_one():
    next_word = torch.roll(torch.eye(6), 1, dims=1)[:5, :]  # all but the last, which would look at the first
    assert attended_distance(next_word).tolist() == [1] * 5
    assert mass_in_window(next_word, 3).tolist() == [1] * 5
    assert mass_in_window(next_word, 1).tolist() == [0] * 5


def test_looking_everywhere_alike_is_a_third_of_the_length():
    n = 30
    everywhere = torch.full((n, n), 1 / n)
    assert float(attended_distance(everywhere).mean()) == pytest.approx((n * n - 1) / (3 * n), rel=1e-5)


def test_a_row_without_any_weight_is_zero_and_no_nan():
    nothing = torch.zeros(3, 3)
    assert attended_distance(nothing).tolist() == mass_in_window(nothing, 3).tolist() == [0, 0, 0]


@given(seq=st.integers(1, 9), size=st.sampled_from([1, 3, 5, 9]), seed=st.integers(0, 99))
def test_a_kernel_as_a_map_does_what_the_convolution_does(seq, size, seed):
    kernels = weights(1, seq, 1, size, seed=seed)  # [batch, seq, heads, kernel], as the layer has them
    values = torch.randn(1, seq, 1, 4, dtype=torch.float64)
    band = kernels_as_map(kernels[0, :, 0])
    torch.testing.assert_close(band @ values[0, :, 0], apply_kernels(values, kernels)[0, :, 0])


@given(seq=st.integers(1, 9), reach=st.integers(0, 4), seed=st.integers(0, 99))
def test_weights_by_offset_are_those_of_the_neighbours(seq, reach, seed):
    attention = weights(2, seq, seq, seed=seed)
    found = weights_by_offset(attention, reach)
    assert found.shape == (2, seq, 2 * reach + 1)
    for t in range(seq):
        for column, offset in enumerate(range(-reach, reach + 1)):
            expected = attention[:, t, t + offset] if 0 <= t + offset < seq else torch.zeros(2).double()
            assert torch.equal(found[:, t, column], expected)


def test_a_map_of_kernels_keeps_layers_and_heads():
    kernels = weights(2, 3, 7, 5)
    band = kernels_as_map(kernels)
    assert band.shape == (2, 3, 7, 7)
    torch.testing.assert_close(band[1, 2], kernels_as_map(kernels[1, 2]))
    assert torch.equal(band[..., 3, 1:6], kernels[..., 3, :])


@given(size=st.sampled_from([1, 3, 9]), seed=st.integers(0, 99))
def test_entropy_and_centre_equal_loops(size, seed):
    kernels = weights(4, size, seed=seed)
    for t, row in enumerate(kernels.tolist()):
        entropy = -sum(w * math.log(w) for w in row) / math.log(size) if size > 1 else 0.0
        centre = sum(w * (j - size // 2) for j, w in enumerate(row))
        assert math.isclose(float(kernel_entropy(kernels)[t]), entropy, abs_tol=1e-6)
        assert math.isclose(float(kernel_centre(kernels)[t]), centre, abs_tol=1e-12)


def test_the_extremes_of_entropy_and_centre():
    first, last = torch.eye(9)[0], torch.eye(9)[8]
    kernels = torch.stack([first, last, torch.full((9,), 1 / 9)])
    torch.testing.assert_close(kernel_entropy(kernels), torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(kernel_centre(kernels), torch.tensor([-4.0, 4.0, 0.0]), atol=1e-6, rtol=0)


def test_the_mean_is_taken_over_counted_tokens_only():
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]])
    assert mean_over_tokens(values, torch.tensor([False, True, True, False])).tolist() == [2.5, 25.0]


@pytest.mark.parametrize("size", [-1, 0, 4])
def test_a_window_without_a_middle_is_refused(size):
    with pytest.raises(ValueError, match=f"size is {size}; it must be odd"):
        mass_in_window(weights(3, 3), size)


def test_counting_no_token_is_refused():
    nobody = torch.zeros(3, dtype=torch.bool)
    for measure in (
        lambda: attended_distance(weights(3, 3), nobody),
        lambda: mass_in_window(weights(3, 3), 3, nobody),
        lambda: mean_over_tokens(torch.zeros(3), nobody),
    ):
        with pytest.raises(ValueError, match="counted is false for every token"):
            measure()
