"""Random ConvBERTs in pairs, one of ours and one of transformers with the same weights, and random inputs for both."""

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from hypothesis import strategies as st
from torch import Tensor, nn

import convbert_edu
from convbert_edu import ConvBertConfig
from convbert_edu.activations import ACTIVATIONS
from convbert_edu.checkpoints.loading import load_weights, to_transformers_names
from helpers import randomise
from models.cases import EVERY_MODEL
from tolerance import largest

SHARED_CLASSES = tuple(model.__name__ for model in EVERY_MODEL if hasattr(transformers, model.__name__))
MASKS = ("none", "nothing masked", "right", "left", "holes", "one row masked", "all masked")
# What two ways of computing the same in float64 may differ by, relative to the largest number. Random configurations
# were seen to differ by up to 4e-12: no processor matters here, and a mistake shows.
EXACT = 1e-9
TINY = 1e-30


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Fields of a small ConvBERT, of every kind that both sides can build."""
    groups = draw(st.integers(1, 4))
    heads, ratio = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    # hidden_size must split into two branches of whole heads, and into groups.
    unit = 2 * max(1, heads // ratio) * groups
    hidden = unit * draw(st.integers(-(-8 // unit), max(1, 32 // unit) + 1))
    return dict(
        vocab_size=draw(st.integers(3, 40)),
        hidden_size=hidden,
        embedding_size=draw(st.sampled_from([hidden, 8, hidden + 5])),
        num_hidden_layers=draw(st.integers(1, 3)),
        num_attention_heads=heads,
        head_ratio=ratio,
        conv_kernel_size=draw(st.sampled_from([1, 3, 5, 7, 9, 11])),
        num_groups=groups,
        intermediate_size=groups * draw(st.integers(1, 12)),
        hidden_act=draw(st.sampled_from(sorted(ACTIVATIONS))),
        max_position_embeddings=draw(st.integers(12, 20)),
        type_vocab_size=draw(st.integers(1, 3)),
        layer_norm_eps=draw(st.sampled_from([1e-12, 1e-5, 1e-2])),
        pad_token_id=draw(st.sampled_from([None, 0, 1])),
        tie_word_embeddings=draw(st.booleans()),
    )


@st.composite
def inputs_for(draw: st.DrawFn, fields: dict[str, Any], choices: int | None = None) -> dict[str, Tensor]:
    """Arguments of forward for a model with these `fields`; with an axis of `choices` after the batch if given."""
    batch, seq = draw(st.integers(1, 3)), draw(st.integers(1, 12))
    shape = (batch, seq) if choices is None else (batch, choices, seq)
    torch.manual_seed(draw(st.integers(0, 2**32)))
    inputs = {"input_ids": torch.randint(fields["vocab_size"], shape)}
    if draw(st.booleans()):
        inputs = {"inputs_embeds": torch.randn(*shape, fields["embedding_size"])}
    if draw(st.booleans()):
        inputs["token_type_ids"] = torch.randint(fields["type_vocab_size"], shape)
    if draw(st.booleans()):
        rows = shape if choices or draw(st.booleans()) else (1, seq)
        inputs["position_ids"] = torch.randint(fields["max_position_embeddings"], rows)
    mask = _mask(draw(st.sampled_from(MASKS)), shape)
    if mask is not None:
        inputs["attention_mask"] = mask.to(draw(st.sampled_from([torch.long, torch.float, torch.bool])))
    return inputs


def _mask(kind: str, shape: tuple[int, ...]) -> Tensor | None:
    if kind == "none":
        return None
    seq, rows = shape[-1], shape[:-1]
    lengths = torch.randint(1, seq + 1, (*rows, 1))
    mask = torch.arange(seq).expand(shape) < lengths
    if kind == "nothing masked":
        return torch.ones(shape)
    if kind == "left":
        return mask.flip(-1)
    if kind == "holes":
        return torch.rand(shape) < 0.6
    if kind == "one row masked":
        mask = mask.clone()
        mask.flatten(0, -2)[0] = False
    return torch.zeros(shape) if kind == "all masked" else mask


def build_pair(name: str, fields: dict[str, Any], seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """Return our and transformers' model of class `name` with equal weights, both in eval mode.

    The weights went from ours to theirs, and from theirs back into a second one of ours, which is returned.
    """
    first, ours = (getattr(convbert_edu, name)(ConvBertConfig(**fields)) for _ in range(2))
    randomise(first, seed)
    theirs = getattr(transformers, name)(transformers.ConvBertConfig(**fields))
    report = theirs.load_state_dict(to_transformers_names(first), strict=False)
    assert report.unexpected_keys == []
    assert set(report.missing_keys) <= {"generator_lm_head.weight"}, "only a tied weight may be left out"
    theirs.tie_weights()
    assert load_weights(ours, theirs.state_dict()).newly_initialised == []
    return ours.eval(), theirs.eval()


def assert_same(ours: Any, theirs: Mapping[str, Any], relative: float = EXACT) -> None:
    """Compare every field that transformers returned with ours.

    relative: the difference that is allowed, as a share of the largest number in the field
    """
    for name, expected in theirs.items():
        tensors = getattr(ours, name)
        if isinstance(expected, Tensor):
            tensors, expected = [tensors], [expected]
        assert len(tensors) == len(expected), name
        for actual, tensor in zip(tensors, expected, strict=True):
            torch.testing.assert_close(
                actual, tensor, atol=relative * largest(tensor), rtol=0, equal_nan=True,
                msg=lambda text, name=name: f"{name}: {text}",
            )  # fmt: skip


def in_double(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs or labels with their real numbers in float64; a mask stays as it is."""
    return {
        name: tensor.double() if tensor.is_floating_point() and name != "attention_mask" else tensor
        for name, tensor in given.items()
    }


def rounding_errors(rounded: Mapping[str, Any], exact: Mapping[str, Any]) -> float:
    """Return the largest relative difference between transformers' outputs in float32 and in float64.

    It says how much this configuration enlarges rounding errors: most do little, but a LayerNorm that divides by
    next to nothing enlarges them ten thousand times.
    """
    errors = [0.0]
    for name, expected in exact.items():
        found = rounded[name]
        if isinstance(expected, Tensor):
            found, expected = [found], [expected]
        for one, other in zip(found, expected, strict=True):
            errors.append(largest(one.double() - other) / max(largest(other), TINY))
    return max(errors)
