"""The table of names: every parameter of every model once, in names that transformers itself uses."""

from typing import Any

import pytest
import torch
import transformers

import convbert_edu
from convbert_edu.checkpoints.loading import to_transformers_names
from convbert_edu.checkpoints.parameter_names import OUR_PREFIX, encoder_names, head_names, name_table
from convbert_edu.models.base import PretrainedModel
from helpers import tiny_config
from models.cases import EVERY_MODEL

CONFIGURATIONS = [{}, {"num_groups": 1}, {"embedding_size": 32}, {"num_hidden_layers": 5}]
# These transformers does not have.
OUR_OWN = [{"convolution": "dynamic"}, {"convolution": "fixed"}, {"shared_values": True}]


@pytest.mark.parametrize("changes", CONFIGURATIONS + OUR_OWN)
@pytest.mark.parametrize("model", EVERY_MODEL)
def test_every_parameter_stands_in_the_table_once(model: type[PretrainedModel], changes: dict[str, Any]):
    config = tiny_config(tie_word_embeddings=False, **changes)
    with torch.device("meta"):
        parameters = [name.removeprefix(OUR_PREFIX) for name, _ in model(config).named_parameters()]
    rows = [row.ours for row in name_table(config)]
    assert [rows.count(name) for name in parameters] == [1] * len(parameters)


@pytest.mark.parametrize("changes", CONFIGURATIONS + OUR_OWN)
def test_the_table_holds_nothing_but_parameters(changes: dict[str, Any]):
    config = tiny_config(tie_word_embeddings=False, **changes)
    parameters = set()
    with torch.device("meta"):
        for model in EVERY_MODEL:
            parameters |= {name.removeprefix(OUR_PREFIX) for name, _ in model(config).named_parameters()}
    assert {row.ours for row in name_table(config)} == parameters


def test_no_name_stands_twice():
    config = tiny_config()
    ours = [row.ours for row in name_table(config)]
    assert len(set(ours)) == len(ours)
    for column in ("transformers", "tensorflow"):
        in_encoder = [getattr(row, column) for row in encoder_names(config)]
        in_heads = {getattr(row, column) for row in head_names()} - {""}
        assert len(set(in_encoder)) == len(in_encoder)
        assert not set(in_encoder) & in_heads
    tensorflow = [row.tensorflow for row in head_names() if row.tensorflow]
    assert len(set(tensorflow)) == len(tensorflow)


@pytest.mark.parametrize("changes", CONFIGURATIONS)
@pytest.mark.parametrize("model", [model for model in EVERY_MODEL if hasattr(transformers, model.__name__)])
def test_names_and_shapes_are_transformers_own(model: type[PretrainedModel], changes: dict[str, Any]):
    config = tiny_config(tie_word_embeddings=False, **changes)
    theirs = getattr(transformers, model.__name__)(transformers.ConvBertConfig(**config.to_dict()))
    ours = to_transformers_names(getattr(convbert_edu, model.__name__)(config))
    assert {name: tensor.shape for name, tensor in ours.items()} == {
        name: parameter.shape for name, parameter in theirs.named_parameters()
    }
