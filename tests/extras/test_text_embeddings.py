"""Vectors of many texts are those of each text alone, in the order of the texts."""

import pytest
import torch

from convbert_edu import ConvBertModel, ConvBertTokenizer
from convbert_edu.extras import text_embeddings as module
from convbert_edu.extras.text_embeddings import embed_texts
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers

WORDS = "a fine film that nobody will forget".split()
TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])


@pytest.fixture
def model() -> ConvBertModel:
    model = ConvBertModel(tiny_config(pad_token_id=0, mask_convolution=True)).eval()
    randomise(model)
    return model


@pytest.mark.parametrize("budget", [1, 30, 4096])
def test_each_text_gets_the_vector_that_it_has_alone(model, budget, monkeypatch):
    monkeypatch.setattr(module, "TOKENS_AT_ONCE", budget)
    texts = [" ".join(WORDS[: 1 + 5 * i % 7] * (1 + i % 3)) for i in range(23)]
    found = embed_texts(model.train(), TOKENIZER, texts)
    assert not model.training
    for text, vector in zip(texts, found, strict=True):
        with torch.no_grad():
            alone = model(**TOKENIZER(text, return_tensors="pt")).last_hidden_state[0].mean(0)
        assert_same_numbers(vector, alone)


def test_long_texts_are_cut_to_what_the_model_can_read(model):
    text = "a fine film " * 30
    cut = TOKENIZER(text, truncation=True, max_length=40, return_tensors="pt")
    with torch.no_grad():
        expected = model(**cut).last_hidden_state.mean(1)
    assert_same_numbers(embed_texts(model, TOKENIZER, [text]), expected)


def test_no_text_is_refused(model):
    with pytest.raises(ValueError, match="texts is empty; give at least one text"):
        embed_texts(model, TOKENIZER, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 0}, "max_length is 0"),
        ({"precision": "float16"}, "precision is 'float16'; choose one of auto"),
    ],
)
def test_options_that_went_unheeded_are_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        embed_texts(model, TOKENIZER, ["a film"], **options)


def test_one_string_is_not_taken_for_a_text_a_letter(model):
    with pytest.raises(TypeError, match="texts is one string; give a list of strings"):
        embed_texts(model, TOKENIZER, "a fine film")
