"""Sizes that are too large, and tensors of another shape than the configuration says."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from convbert_edu import ConvBertModel

SIZES = ("vocab_size embedding_size hidden_size num_hidden_layers num_attention_heads intermediate_size num_groups "
         "max_position_embeddings type_vocab_size num_labels conv_kernel_size head_ratio").split()  # fmt: skip


def with_fields(folder: Path, **fields: object) -> Path:
    values = json.loads((folder / "config.json").read_text()) | fields
    (folder / "config.json").write_text(
        json.dumps({key: value for key, value in values.items() if "label" not in key} | fields)
    )
    return folder


@pytest.mark.parametrize("name", SIZES)
def test_a_huge_size_fails_on_the_number(name: str, folder: Path):
    with pytest.raises(ValueError, match=rf"{name} is 1000000000000; it must be a whole number from 1 to"):
        ConvBertModel.from_pretrained(with_fields(folder, **{name: 10**12}))


@pytest.mark.parametrize(
    "fields",
    [dict(num_hidden_layers=10_000_000), dict(hidden_size=8_000_000, intermediate_size=8_000_000),
     dict(vocab_size=10_000_000, embedding_size=10_000_000), dict(num_labels=10_000_000, hidden_size=8_000_000)],
)  # fmt: skip
def test_sizes_that_are_huge_together_fail_on_the_number_too(fields: dict[str, int], folder: Path):
    with pytest.raises(
        ValueError, match=r"it must be a whole number from 1 to|the model would have .* parameters"
    ):
        ConvBertModel.from_pretrained(with_fields(folder, **fields))


# Shapes ----------------------------------------------------------------------------------------------------------


def test_shapes_that_differ_are_refused(folder: Path):
    with pytest.raises(ValueError, match="nothing was loaded") as raised:
        ConvBertModel.from_pretrained(with_fields(folder, type_vocab_size=3))
    words = "token_type_embeddings.weight has shape (2, 16), but embeddings.token_type.weight needs (3, 16)"
    assert words in str(raised.value)
    assert "start such tensors from random numbers: ignore_mismatched_sizes=True" in str(raised.value)


def test_other_shapes_start_from_random_numbers_on_request(folder: Path):
    torch.manual_seed(0)
    with pytest.warns(
        UserWarning, match=r"has no weights for \['embeddings\.token_type\.weight', .*random numbers"
    ):
        model = ConvBertModel.from_pretrained(
            with_fields(folder, type_vocab_size=3, conv_kernel_size=7), ignore_mismatched_sizes=True
        )
    assert (
        model.loading_report.resized["embeddings.token_type.weight"] == "(3, 16), new; the file has (2, 16)"
    )
    assert not any(parameter.is_meta for parameter in model.parameters())
    assert 0.005 < model.embeddings.token_type.weight.std() < 0.05  # as initializer_range says
    filters = model.layers[0].attention.convolution.span_key.depthwise
    assert filters.shape == (32, 7)
    assert 0.05 < filters.std() < 0.3  # as wide as the authors' initialisation, about 1/7
    assert bool((model.layers[0].attention.convolution.kernel.bias == 0).all())


def test_a_tensor_that_is_missing_is_refused_even_then(folder: Path):
    tensors = torch.load(folder / "pytorch_model.bin")
    del tensors["embeddings.LayerNorm.weight"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"missing: embeddings\.layer_norm\.weight"):
        ConvBertModel.from_pretrained(folder, ignore_mismatched_sizes=True)
