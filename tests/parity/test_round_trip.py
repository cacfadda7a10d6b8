"""A folder saved here opens in transformers by itself, gives the same numbers, and comes back bit for bit."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from convbert_edu import ConvBertConfig, ConvBertForPreTraining, ConvBertTokenizer
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build, inputs_for
from parity.pairs import SHARED_CLASSES, assert_same

TEXTS = ["A warm, funny film.", "naïve", "unwatchable 🙂 (twice)", "", "語"]
SETTINGS = [
    {},
    {"num_groups": 1, "embedding_size": 32, "tie_word_embeddings": False, "mask_convolution": True},
]


@pytest.fixture(scope="module")
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer.train(TEXTS * 3, vocab_size=60, model_max_length=40)


def assert_same_model(first: PretrainedModel, second: PretrainedModel) -> None:
    """Compare two of ours: each parameter bit for bit, and all that the configuration says of the model."""
    ours, others = dict(first.named_parameters()), dict(second.named_parameters())
    assert ours.keys() == others.keys()
    for name, parameter in ours.items():
        assert torch.equal(parameter, others[name]), name
    bare = [dataclasses.replace(model.config, extra={}) for model in (first, second)]
    assert bare[0] == bare[1]


@pytest.mark.parametrize("changes", SETTINGS)
@pytest.mark.parametrize("model", [each for each in EVERY_MODEL if each.__name__ in SHARED_CLASSES])
def test_there_and_back(
    model: type[PretrainedModel], changes: dict[str, Any], tokenizer: ConvBertTokenizer, tmp_path: Path
):
    ours = build(model, pad_token_id=0, **changes)
    ours.save_pretrained(tmp_path / "ours")
    tokenizer.save_pretrained(tmp_path / "ours")

    kind = model.__name__.removeprefix("ConvBert").removeprefix("Model")
    auto = getattr(transformers, f"AutoModel{kind}")
    theirs, loading = auto.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(loading.values()), loading
    inputs = inputs_for(model)
    if not changes.get("mask_convolution"):  # transformers lets padding into the windows
        with torch.no_grad():
            assert_same(
                copy.deepcopy(ours).double()(**inputs), copy.deepcopy(theirs).double().eval()(**inputs)
            )
    theirs.save_pretrained(tmp_path / "theirs")
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    their_tokenizer.save_pretrained(tmp_path / "theirs")

    assert_same_model(model.from_pretrained(tmp_path / "theirs"), ours)
    back = ConvBertTokenizer.from_pretrained(tmp_path / "theirs")
    for other in (their_tokenizer, back):
        assert other(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]
        assert (
            other(TEXTS, padding=True, truncation=True)["input_ids"]
            == (tokenizer(TEXTS, padding=True, truncation=True)["input_ids"])
        )


def test_transformers_opens_the_encoder_of_a_discriminator(tmp_path: Path):
    ours = build(ConvBertForPreTraining, pad_token_id=0)
    ours.save_pretrained(tmp_path)
    theirs = transformers.AutoModel.from_pretrained(tmp_path).eval()
    inputs = inputs_for(ConvBertForPreTraining)
    with torch.no_grad():
        assert_same(ours.encoder.double()(**inputs), theirs.double()(**inputs))


def test_a_configuration_goes_there_and_back(tmp_path: Path):
    ours = ConvBertConfig.medium_small(
        id2label={0: "bad", 1: "fair", 2: "good"}, classifier_dropout=0.3, pad_token_id=0
    )
    ours.save_pretrained(tmp_path / "ours")
    transformers.AutoConfig.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    back = ConvBertConfig.from_pretrained(tmp_path / "theirs")
    assert dataclasses.replace(back, extra={}) == ours
