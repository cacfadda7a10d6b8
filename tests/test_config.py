"""ConvBertConfig: defaults, published sizes, label fields, and config.json to and from transformers."""

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from convbert_edu import ConvBertConfig, ConvBertModel
from helpers import tiny_config

# What transformers writes about itself, and the fields that only we have.
THEIR_BOOKKEEPING = {
    "architectures", "chunk_size_feed_forward", "dtype", "is_encoder_decoder", "return_dict", "transformers_version",
}  # fmt: skip
OUR_DEFAULTS = {
    "summary_type": "last",
    "task_specific_params": None,
    "mask_convolution": False,
    "gamma_bottleneck": False,
    "attention_only": False,
    "convolution": "span",
    "shared_values": False,
    "output_conv_kernels": False,
    "extra": {},
    "notes": {},
}


def test_names_and_defaults_are_those_of_transformers():
    config = ConvBertConfig()
    ours = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    theirs = transformers.ConvBertConfig()
    their_fields = {field.name for field in dataclasses.fields(theirs)} - THEIR_BOOKKEEPING
    as_properties = {"num_labels", "output_attentions"}
    assert ours.keys() == their_fields | as_properties | OUR_DEFAULTS.keys()
    for name, value in ours.items():
        assert value == (OUR_DEFAULTS[name] if name in OUR_DEFAULTS else getattr(theirs, name)), name


@pytest.mark.parametrize(
    ("preset", "parameters"), [("small", 13_143_768), ("medium_small", 17_475_888), ("base", 105_680_520)]
)
def test_the_published_sizes_have_the_published_numbers_of_parameters(preset: str, parameters: int):
    config = getattr(ConvBertConfig, preset)()
    with torch.device("meta"):
        model = ConvBertModel(config)
        theirs = transformers.ConvBertModel(transformers.ConvBertConfig(**config.to_dict()))
    assert model.num_parameters() == parameters
    assert sum(parameter.numel() for parameter in theirs.parameters()) == parameters


def test_tiny_is_small_and_takes_changes_like_every_preset():
    with torch.device("meta"):
        assert 1_800_000 < ConvBertModel(ConvBertConfig.tiny()).num_parameters() < 1_900_000
    for preset in (
        ConvBertConfig.tiny,
        ConvBertConfig.small,
        ConvBertConfig.medium_small,
        ConvBertConfig.base,
    ):
        assert preset(num_hidden_layers=3).num_hidden_layers == 3


@pytest.mark.parametrize(
    ("heads", "ratio", "gamma_bottleneck", "branch_heads", "head_size"),
    [
        (12, 2, False, 6, 64),  # the base model
        (12, 2, True, 6, 64),  # at gamma = 2 both readings of gamma agree
        (12, 4, False, 3, 128),
        (12, 4, True, 3, 64),
        (5, 2, False, 2, 192),  # heads // ratio, rounded down
        (1, 4, False, 1, 384),  # at least one head remains
        (1, 4, True, 1, 768),
    ],
)
def test_sizes_that_follow(heads: int, ratio: int, gamma_bottleneck: bool, branch_heads: int, head_size: int):
    config = ConvBertConfig(num_attention_heads=heads, head_ratio=ratio, gamma_bottleneck=gamma_bottleneck)
    assert config.num_heads_per_branch == branch_heads
    assert config.head_size == head_size
    assert config.branch_size == branch_heads * head_size


def test_the_heads_dropout_is_the_hidden_one_unless_it_has_its_own():
    assert ConvBertConfig(hidden_dropout_prob=0.3).head_dropout == 0.3
    assert ConvBertConfig(hidden_dropout_prob=0.3, classifier_dropout=0.0).head_dropout == 0.0


# Files -------------------------------------------------------------------------------------------------------

EVERY_FIELD_CHANGED = dict(
    num_labels=None,
    id2label={0: "no", 1: "yes", 2: "perhaps"},
    problem_type="multi_label_classification",
    classifier_dropout=0.25,
    hidden_act="relu",
    layer_norm_eps=1e-6,
    eos_token_id=[3, 4],
    bos_token_id=None,
    pad_token_id=0,
    tie_word_embeddings=False,
    output_attentions=True,
    output_hidden_states=True,
    summary_type="first",
    task_specific_params={"multiple-choice": {"max_length": 96}},
    mask_convolution=True,
    shared_values=True,
    output_conv_kernels=True,
)


@pytest.mark.parametrize("fields", [{}, EVERY_FIELD_CHANGED], ids=["defaults", "changed"])
def test_a_saved_configuration_comes_back(fields: dict[str, Any], tmp_path: Path):
    config = tiny_config(**fields)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config.save_pretrained(tmp_path)
        again = ConvBertConfig.from_pretrained(tmp_path)
    assert again == config


@pytest.mark.parametrize("fields", [{}, EVERY_FIELD_CHANGED], ids=["defaults", "changed"])
def test_transformers_reads_ours_and_we_read_theirs(fields: dict[str, Any], tmp_path: Path):
    config = tiny_config(**fields)
    config.save_pretrained(tmp_path / "ours")
    theirs = transformers.AutoConfig.from_pretrained(tmp_path / "ours", attn_implementation="eager")
    assert type(theirs) is transformers.ConvBertConfig
    for field in dataclasses.fields(config):
        if field.name not in ("extra", "notes"):
            assert getattr(theirs, field.name) == getattr(config, field.name), field.name
    theirs.save_pretrained(tmp_path / "theirs")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what transformers adds is no news
        back = ConvBertConfig.from_pretrained(tmp_path / "theirs")
    assert {name: value for name, value in back.to_dict().items() if name in config.to_dict()} == (
        config.to_dict()
    )


def test_all_that_transformers_writes_is_known(tmp_path: Path):
    theirs = transformers.ConvBertConfig(architectures=["ConvBertModel"], dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ConvBertConfig.from_dict(json.loads(theirs.to_json_string(use_diff=False)))
        ConvBertConfig.from_dict(json.loads(theirs.to_json_string(use_diff=True)))


def test_an_unknown_field_is_warned_about_kept_and_written_back(tmp_path: Path):
    (tmp_path / "config.json").write_text(
        json.dumps(
            {"convolution_flavour": "vanilla", "xla_device": True, "torch_dtype": "float16", "num_groups": 2}
        )
    )
    with pytest.warns(UserWarning, match=r"convolution_flavour.*no effect.*kept") as seen:
        config = ConvBertConfig.from_pretrained(tmp_path)
    assert len(seen) == 1
    assert "xla_device" not in str(seen[0].message), "a note of old transformers versions is no news"
    assert config.extra == {"convolution_flavour": "vanilla"}
    assert config.notes == {"xla_device": True, "torch_dtype": "float16"}
    config.save_pretrained(tmp_path / "again")
    written = json.loads((tmp_path / "again" / "config.json").read_text())
    assert written["convolution_flavour"] == "vanilla"
    assert not {"xla_device", "torch_dtype"} & written.keys(), "notes about an older file"
    assert written["num_groups"] == 2


@pytest.mark.parametrize("model_type", ["convbert", "conv_bert"])
def test_the_first_revisions_wrote_the_kind_of_model_otherwise(model_type: str, tmp_path: Path):
    fields = {"model_type": model_type, "architectures": ["ConvBertForPreTraining"], "directionality": "bidi"}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ConvBertConfig.from_pretrained(tmp_path) == ConvBertConfig()


def test_another_kind_of_model_is_named(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "electra"}')
    with pytest.warns(UserWarning, match="of a 'electra', not of a 'convbert'"):
        ConvBertConfig.from_pretrained(tmp_path)


def test_labels_that_contradict_each_other_in_a_file_are_warned_about(tmp_path: Path):
    fields = {"id2label": {"0": "bad", "1": "good"}, "label2id": {"bad": 1, "good": 0}}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    with pytest.warns(
        UserWarning, match=r"label2id .* is not the reverse of its id2label .*; id2label is used"
    ):
        config = ConvBertConfig.from_pretrained(tmp_path)
    assert config.id2label == {0: "bad", 1: "good"}
    assert config.label2id == {"bad": 0, "good": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # new labels leave nothing to contradict
        assert ConvBertConfig.from_pretrained(tmp_path, num_labels=3).num_labels == 3
    with pytest.raises(ValueError, match="it must be the reverse of id2label"):
        ConvBertConfig.from_pretrained(tmp_path, id2label={0: "a", 1: "b"}, label2id={"a": 1, "b": 0})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1, 2]", "holds a JSON list, not an object"),
        ("null", "holds a JSON NoneType, not an object"),
        ('{"hidden_size": 768', "is not valid JSON"),
        ("", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"a":' * 100_000, "is not valid JSON"),
        ('{"layer_norm_eps": NaN}', "is not valid JSON .NaN is not a JSON number"),
        ('{"vocab_size": ' + "9" * 5000 + "}", "is not valid JSON"),
    ],
    ids=["list", "null", "cut short", "empty", "deep lists", "deep objects", "NaN", "5000 digits"],
)
def test_a_file_that_is_no_configuration_is_named(text: str, complaint: str, tmp_path: Path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=rf"config\.json {complaint}"):
        ConvBertConfig.from_pretrained(tmp_path)


def test_bytes_that_are_no_text_are_named(tmp_path: Path):
    (tmp_path / "config.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=r"config\.json is not valid JSON"):
        ConvBertConfig.from_pretrained(tmp_path)


def test_a_missing_file_or_folder_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing; a model folder holds"):
        ConvBertConfig.from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere' is neither a folder nor a bundled model"):
        ConvBertConfig.from_pretrained(tmp_path / "nowhere")


def test_an_override_that_does_not_exist_is_named(tmp_path: Path):
    tiny_config().save_pretrained(tmp_path)
    with pytest.raises(TypeError, match=r"no field \['hidden_sise'\]; the fields are"):
        ConvBertConfig.from_pretrained(tmp_path, hidden_sise=32)


def test_a_configuration_file_keeps_what_stood_there_if_writing_fails(tmp_path: Path):
    tiny_config().save_pretrained(tmp_path)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        tiny_config(extra={"optimiser": object()}).save_pretrained(tmp_path)
    assert (tmp_path / "config.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
