"""Every kind of published checkpoint, from the hub: its outputs equal those of transformers on the same files."""

import json
import re
import warnings

import pytest
import torch
import transformers
from torch import Tensor

import convbert_edu
from checkpoints.repositories import CLASSES, QUIRKS, Files, config_of, pickled, plain, tensors_of, theirs
from convbert_edu.checkpoints.folder import resolve_folder
from local_hub import LocalHub
from tolerance import assert_same_numbers


def inputs_for(class_name: str) -> dict[str, Tensor]:
    torch.manual_seed(2)
    shape = (2, 3, 9) if class_name == "ConvBertForMultipleChoice" else (2, 9)
    mask = torch.ones(shape).long()
    mask[0, ..., 6:] = 0
    return {"input_ids": torch.randint(99, shape), "attention_mask": mask}


def assert_same_outputs(class_name: str, repository: str, **their_config: object) -> None:
    """Load a repository here and its files in transformers, and compare what comes out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="has no weights for")
        ours = getattr(convbert_edu, class_name).from_pretrained(repository)
    folder = resolve_folder(repository, "weights")
    config = transformers.ConvBertConfig.from_pretrained(folder, **their_config)
    reference = (
        getattr(transformers, class_name).from_pretrained(folder, config=config, dtype=torch.float32).eval()
    )
    inputs = inputs_for(class_name)
    with torch.no_grad():
        actual, expected = ours(**inputs), reference(**inputs)
    for name, tensor in expected.items():
        assert_same_numbers(getattr(actual, name), tensor)


@pytest.mark.parametrize("class_name", CLASSES)
@pytest.mark.parametrize("quirk", QUIRKS)
def test_outputs_equal_those_of_transformers(quirk: str, class_name: str, hub: LocalHub):
    hub.add("someone/something", QUIRKS[quirk](class_name))
    assert_same_outputs(class_name, "someone/something")


@pytest.mark.parametrize("stated", [90, 120])
def test_the_embedding_matrix_decides_where_the_configuration_is_wrong_about_it(stated: int, hub: LocalHub):
    model = theirs("ConvBertForMaskedLM")
    files = {
        "config.json": config_of(model, vocab_size=stated),
        "pytorch_model.bin": pickled(tensors_of(model)),
    }
    hub.add("someone/miscounted", files)
    with pytest.warns(
        UserWarning, match=f"says vocab_size {stated}, but the embedding matrix has 99 rows: 99 is used"
    ):
        assert_same_outputs("ConvBertForMaskedLM", "someone/miscounted", vocab_size=99)
    with pytest.warns(UserWarning, match="99 is used"):
        loaded = convbert_edu.ConvBertForMaskedLM.from_pretrained("someone/miscounted")
    assert loaded.config.vocab_size == 99
    assert loaded.loading_report.resized == {"vocab_size": f"99; config.json says {stated}"}
    with pytest.raises(
        ValueError, match=re.escape(f"(99, 16), but encoder.embeddings.word.weight needs ({stated}, 16)")
    ):
        convbert_edu.ConvBertForMaskedLM.from_pretrained("someone/miscounted", vocab_size=stated)


def test_a_fill_mask_head_on_an_encoder_is_said_to_be_random(hub: LocalHub):
    hub.add("authors/encoder", QUIRKS["first revision"]("ConvBertModel"))
    with pytest.warns(
        UserWarning, match=r"The fill-mask head is random: what it predicts for \[MASK\] is chance"
    ):
        loaded = convbert_edu.ConvBertForMaskedLM.from_pretrained("authors/encoder")
    assert all(name.startswith("masked_lm_head.") for name in loaded.loading_report.newly_initialised)
    assert not any(parameter.is_meta for parameter in loaded.parameters())
    with pytest.warns(UserWarning, match="has no weights for") as seen:
        convbert_edu.ConvBertForTokenClassification.from_pretrained("authors/encoder")
    assert "fill-mask" not in str(seen[0].message)


def test_what_was_mapped_and_ignored_is_reported(hub: LocalHub):
    hub.add("someone/heads", QUIRKS["more heads"]("ConvBertForTokenClassification"))
    report = convbert_edu.ConvBertForTokenClassification.from_pretrained("someone/heads").loading_report
    assert report.source == "someone/heads/pytorch_model.bin"
    assert report.mapped["token_classifier.bias"] == "classifier.bias"
    assert report.mapped["encoder.embeddings.word.weight"] == "convbert.embeddings.word_embeddings.weight"
    assert report.ignored == sorted(
        ["generator_predictions.dense.weight", "generator_lm_head.bias", "discriminator_predictions.dense.weight",
         "qa_outputs.weight", "pooler.dense.bias"]
    )  # fmt: skip


def _with_tokenizer(**config: object) -> Files:
    return plain("ConvBertModel") | {"tokenizer_config.json": json.dumps(config).encode()}


def test_a_vocabulary_alone_is_a_tokenizer(hub: LocalHub):
    hub.add("someone/words", plain("ConvBertModel"))
    tokenizer = convbert_edu.ConvBertTokenizer.from_pretrained("someone/words")
    assert tokenizer("WORD3 word4").input_ids == [2, 8, 9, 3]
    cased = convbert_edu.ConvBertTokenizer.from_pretrained("someone/words", do_lower_case=False)
    assert cased("WORD3 word4").input_ids == [2, 1, 9, 3]


def test_the_settings_of_a_tokenizer_come_from_the_hub_too(hub: LocalHub):
    hub.add("someone/cased", _with_tokenizer(do_lower_case=False, strip_accents=False))
    tokenizer = convbert_edu.ConvBertTokenizer.from_pretrained("someone/cased")
    assert tokenizer("WORD3 word4").input_ids == [2, 1, 9, 3]
    assert tokenizer.strip_accents is False


def test_a_byte_pair_tokenizer_is_refused(hub: LocalHub):
    files = {name: data for name, data in plain("ConvBertModel").items() if name != "vocab.txt"}
    hub.add("someone/pairs", files | {"vocab.json": b'{"a": 0}', "merges.txt": b"#version: 0.2\n"})
    with pytest.raises(
        ValueError, match=r"vocab\.json and merges\.txt, a byte-pair tokenizer; this package reads WordPiece"
    ):
        convbert_edu.ConvBertTokenizer.from_pretrained("someone/pairs")


def test_a_vocabulary_with_more_tokens_than_the_embedding_matrix_has_rows(hub: LocalHub):
    files = plain("ConvBertModel")
    hub.add("someone/longer", files | {"vocab.txt": files["vocab.txt"] + b"new\n"})
    with pytest.warns(
        UserWarning, match=r"vocab\.txt has 100 tokens, but the model's embedding matrix has 99 rows"
    ):
        convbert_edu.ConvBertModel.from_pretrained("someone/longer")
    hub.add("someone/shorter", files | {"vocab.txt": b"[PAD]\n"})  # rows that no token uses harm nobody
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convbert_edu.ConvBertModel.from_pretrained("someone/shorter")
