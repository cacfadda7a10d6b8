"""The settings in conftest.py do what they say."""

import hypothesis
import pytest
import torch
from beartype.roar import BeartypeCallHintParamViolation
from jaxtyping import TypeCheckError

from convbert_edu.layers.embeddings import Embeddings
from helpers import tiny_config


def test_a_wrong_shape_or_type_is_caught_inside_the_package():
    embeddings = Embeddings(tiny_config())
    with pytest.raises((TypeCheckError, BeartypeCallHintParamViolation)):
        embeddings("not a tensor")


def test_as_a_user_the_package_answers_for_itself(as_a_user):
    with pytest.raises(ValueError, match="hidden_size is 'wide'"):
        tiny_config(hidden_size="wide")


def test_hypothesis_draws_the_same_examples_in_every_run():
    assert hypothesis.settings.default.derandomize


@pytest.mark.gpu
def test_a_gpu_test_runs_only_where_there_is_a_gpu():
    assert torch.cuda.is_available()
