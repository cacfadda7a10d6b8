"""Loading: files in our names and in transformers', with and without heads, and a report of every tensor."""

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForMultipleChoice,
    ConvBertForPreTraining,
    ConvBertForSequenceClassification,
    ConvBertForTokenClassification,
    ConvBertModel,
)
from convbert_edu.checkpoints.loading import load_weights
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build

NEW_HEADS = [model for model in EVERY_MODEL if model is not ConvBertModel]


def equal_encoders(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    one, other = (getattr(model, "encoder", model).state_dict() for model in (first, second))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def rename(folder: Path, change) -> None:
    """Give each tensor of a folder's weights the name that `change` makes of it; None drops it."""
    stored = load_file(folder / "model.safetensors")
    renamed = {change(name): tensor for name, tensor in stored.items() if change(name) is not None}
    save_file(renamed, folder / "model.safetensors")


@pytest.mark.parametrize("model", NEW_HEADS)
def test_a_bare_encoder_gets_a_new_head_and_says_so(model: type[PretrainedModel], tmp_path: Path):
    saved = build(ConvBertModel)
    saved.save_pretrained(tmp_path)
    with pytest.warns(
        UserWarning, match=r"has no weights for \[.*start from random numbers, so train"
    ) as seen:
        loaded = model.from_pretrained(tmp_path)
    assert len(seen) == 1
    head = [name for name, _ in loaded.named_parameters() if not name.startswith("encoder.")]
    assert loaded.loading_report.newly_initialised == head
    assert all(name in str(seen[0].message) for name in head)
    assert len(loaded.loading_report.loaded) == len(list(saved.parameters()))
    assert equal_encoders(loaded, saved)


@pytest.mark.parametrize("model", NEW_HEADS)
def test_a_bare_encoder_leaves_a_head_behind(model: type[PretrainedModel], tmp_path: Path):
    saved = build(model)
    saved.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = ConvBertModel.from_pretrained(tmp_path)
    assert equal_encoders(loaded, saved)
    assert len(loaded.loading_report.ignored) == sum(
        not name.startswith("encoder.") for name, _ in saved.named_parameters()
    )


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_a_prefix_or_none_makes_no_difference(model: type[PretrainedModel], tmp_path: Path):
    saved = build(model)
    saved.save_pretrained(tmp_path)
    if model is ConvBertModel:
        rename(tmp_path, lambda name: f"convbert.{name}")
    else:
        rename(tmp_path, lambda name: name.removeprefix("convbert."))
    loaded = model.from_pretrained(tmp_path)
    assert loaded.loading_report.newly_initialised == loaded.loading_report.ignored == []
    assert equal_encoders(loaded, saved)


@pytest.mark.parametrize("model", EVERY_MODEL)
@pytest.mark.parametrize("prefixed", [False, True])
def test_our_own_names_are_read_too(model: type[PretrainedModel], prefixed: bool):
    saved, loaded = build(model), build(model)
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.zero_()
    tensors = {name.removeprefix("encoder."): tensor for name, tensor in saved.named_parameters()}
    if prefixed:
        encoder = {name for name, _ in getattr(saved, "encoder", saved).named_parameters()}
        tensors = {f"encoder.{name}" if name in encoder else name: tensor for name, tensor in tensors.items()}
    report = load_weights(loaded, tensors)
    assert report.newly_initialised == report.ignored == []
    assert equal_encoders(loaded, saved)


@pytest.mark.parametrize("model", [ConvBertModel, ConvBertForMaskedLM])
def test_buffers_of_old_versions_are_ignored_without_a_word(model: type[PretrainedModel], tmp_path: Path):
    build(model).save_pretrained(tmp_path)
    prefix = "" if model is ConvBertModel else "convbert."
    buffers = {
        f"{prefix}embeddings.{name}": torch.arange(40).unsqueeze(0)
        for name in ("position_ids", "token_type_ids")
    }
    save_file(load_file(tmp_path / "model.safetensors") | buffers, tmp_path / "model.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = model.from_pretrained(tmp_path)
    assert loaded.loading_report.ignored == []


def test_a_new_number_of_labels_gets_a_new_last_layer(tmp_path: Path):
    saved = build(ConvBertForSequenceClassification)
    saved.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"classification_head\.output\.weight"):
        loaded = ConvBertForSequenceClassification.from_pretrained(tmp_path, num_labels=5)
    assert loaded.config.num_labels == 5
    assert loaded.loading_report.newly_initialised == [
        "classification_head.output.weight",
        "classification_head.output.bias",
    ]
    assert loaded.loading_report.ignored == ["classifier.out_proj.bias", "classifier.out_proj.weight"]
    assert torch.equal(loaded.classification_head.dense.weight, saved.classification_head.dense.weight)
    assert equal_encoders(loaded, saved)
    with pytest.warns(UserWarning, match="token_classifier"):
        ConvBertForTokenClassification.from_pretrained(tmp_path, id2label={0: "a", 1: "b", 2: "c"})


def test_as_many_labels_as_before_keep_the_head(tmp_path: Path):
    saved = build(ConvBertForSequenceClassification, id2label={0: "bad", 1: "good"})
    saved.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = ConvBertForSequenceClassification.from_pretrained(tmp_path, num_labels=2)
    assert loaded.config.id2label == {0: "bad", 1: "good"}
    assert torch.equal(loaded.classification_head.output.weight, saved.classification_head.output.weight)


def test_a_head_for_another_task_is_not_mistaken(tmp_path: Path):
    build(ConvBertForTokenClassification).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="classification_head"):
        loaded = ConvBertForSequenceClassification.from_pretrained(tmp_path)
    assert loaded.loading_report.ignored == ["classifier.bias", "classifier.weight"]
    with pytest.raises(
        ValueError, match=r"classifier\.weight has shape \(2, 32\), but choice_scorer\.weight needs"
    ):
        ConvBertForMultipleChoice.from_pretrained(tmp_path)


def test_an_embedding_matrix_beside_its_tied_copy_is_used_once(tmp_path: Path):
    """Old files hold the copy as well; the encoder's counts, as in transformers."""
    saved = build(ConvBertForMaskedLM)
    saved.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    stored["generator_lm_head.weight"] = torch.zeros(99, 16)
    save_file(stored, tmp_path / "model.safetensors")
    loaded = ConvBertForMaskedLM.from_pretrained(tmp_path)
    assert torch.equal(loaded.masked_lm_head.decoder.weight, saved.encoder.embeddings.word.weight)
    assert loaded.loading_report.ignored == ["generator_lm_head.weight"]


def test_what_happens_to_a_loaded_model_leaves_the_file_alone_until_it_is_saved(tmp_path: Path):
    build(ConvBertModel).save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    loaded, other = ConvBertModel.from_pretrained(tmp_path), ConvBertModel.from_pretrained(tmp_path)
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.zero_()
    assert (tmp_path / "model.safetensors").read_bytes() == before
    loaded.save_pretrained(tmp_path)  # into the folder that both still read from
    assert not any(parameter.any() for parameter in ConvBertModel.from_pretrained(tmp_path).parameters())
    assert all(parameter.any() for parameter in other.parameters())


def test_half_precision_files_are_read_as_float32(tmp_path: Path):
    saved = build(ConvBertModel).half()
    saved.save_pretrained(tmp_path)
    loaded = ConvBertModel.from_pretrained(tmp_path)
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded.embeddings.word.weight, saved.embeddings.word.weight.float())


def test_the_report_can_be_read(tmp_path: Path):
    build(ConvBertModel).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="replaced_token_head"):
        report = ConvBertForPreTraining.from_pretrained(tmp_path).loading_report
    lines = str(report).splitlines()
    assert lines[0] == f"weights from {tmp_path / 'model.safetensors'}"
    assert lines[1].split()[:2] == ["loaded", str(len(report.loaded))]
    assert lines[2].split()[:3] == ["newly", "initialised", "4"]
    assert "replaced_token_head.dense.weight" in lines[2]
    assert lines[3].split() == ["ignored", "0"]


@pytest.mark.parametrize(
    ("overrides", "checked"), [({"hidden_dropout_prob": 0.4}, 0.4), ({"mask_convolution": True}, True)]
)
def test_fields_of_the_configuration_can_be_replaced(overrides: dict, checked: object, tmp_path: Path):
    build(ConvBertModel).save_pretrained(tmp_path)
    loaded = ConvBertModel.from_pretrained(tmp_path, **overrides)
    assert getattr(loaded.config, next(iter(overrides))) == checked
