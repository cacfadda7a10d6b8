"""Every configuration that cannot be built is refused, in words that name the field, the value and the rule."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from convbert_edu import ConvBertConfig, ConvBertForSequenceClassification, ConvBertModel
from convbert_edu.config_checks import BOOLEANS, POSITIVE_INTEGERS
from helpers import tiny_config

pytestmark = pytest.mark.usefixtures("as_a_user")

WHOLE = "a whole number from 1 to 10,000,000"
PROBABILITY = "a number from 0 up to, not including, 1"

IMPOSSIBLE = [
    *[(name, value, WHOLE) for name in POSITIVE_INTEGERS for value in (0, -1, 10**12, True, 2.0, "8", None)
      if not (name == "num_labels" and value is None)],
    *[(name, value, "true or false") for name in BOOLEANS for value in (1, "yes", None)],
    *[(name, value, PROBABILITY)
      for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
      for value in (-0.1, 1.0, 1.5, math.nan, math.inf, True, "0.1", 10**400)],
    ("hidden_dropout_prob", None, PROBABILITY),
    *[("layer_norm_eps", value, "a small number above 0") for value in (0, -1e-5, math.nan, "1e-12", None)],
    *[("initializer_range", value, "a number of at least 0") for value in (-0.02, math.nan, math.inf, 10**400, None)],
    ("conv_kernel_size", 8, "odd, so that a window has a middle token; try one more or one less"),
    ("hidden_act", "gelou", "one of 'gelu', "),
    ("hidden_act", None, "one of 'gelu', "),
    ("hidden_act", ["gelu"], "one of 'gelu', "),
    ("summary_type", "mean", "one of 'last', 'first'"),
    *[("convolution", value, "one of 'span', 'dynamic', 'fixed'") for value in ("sdconv", None, ["span"])],
    *[("task_specific_params", value, "for the name of each task a dictionary of its options")
      for value in ("classification", ["windows"], {"classification": 4})],
    ("problem_type", "ranking", "one of 'regression', 'single_label_classification', "),
    *[("pad_token_id", value, "None or a row of the vocabulary, 0 to 98") for value in (99, -1, 1.0, True)],
    ("hidden_size", 30, "a multiple of 4: two branches"),
    ("num_groups", 3, ""),
    ("intermediate_size", 47, "a multiple of num_groups (2), which cuts it into equal slices"),
    ("is_decoder", True, "ConvBERT is an encoder"),
    ("add_cross_attention", True, "ConvBERT is an encoder"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "rule"), IMPOSSIBLE)
def test_a_single_field(name: str, value: Any, rule: str):
    with pytest.raises(ValueError, match=re.escape(name)) as raised:
        tiny_config(**{name: value})
    message = str(raised.value)
    assert rule in message
    if value is not True:
        assert repr(value) in message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_groups": 3}, "hidden_size is 32; it must be a multiple of num_groups (3)"),
        ({"num_attention_heads": 12, "head_ratio": 2}, "hidden_size is 32; it must be a multiple of 12"),
        (
            {"num_attention_heads": 5, "gamma_bottleneck": True},
            "hidden_size is 32; it must be a multiple of num_attention_heads (5)",
        ),
        (
            {"num_labels": 1, "problem_type": "single_label_classification"},
            "num_labels is 1; it must be at least 2",
        ),
        (
            {"convolution": "dynamic", "attention_only": True},
            "convolution is 'dynamic' and attention_only is true; a model without convolutions has no kind of them, "
            "so leave one of the two fields out",
        ),
        (
            {"shared_values": True, "attention_only": True},
            "shared_values is true and attention_only is true; a model without convolutions has none that could share",
        ),
    ],
)
def test_fields_that_do_not_go_together(fields: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        tiny_config(**fields)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="hidden_sise"):
        ConvBertConfig(hidden_sise=32)


def test_a_field_of_a_file_is_checked_too(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"conv_kernel_size": 4, "model_type": "convbert"}))
    with pytest.raises(ValueError, match="conv_kernel_size is 4; it must be odd"):
        ConvBertConfig.from_pretrained(tmp_path)


def test_a_field_that_was_changed_later_is_checked_when_a_model_is_made():
    config = tiny_config()
    config.conv_kernel_size = 4
    with pytest.raises(ValueError, match="conv_kernel_size is 4; it must be odd"):
        ConvBertModel(config)


@pytest.mark.parametrize("changes", [{"num_labels": 5}, {"id2label": dict(enumerate("abcde"))}])
def test_labels_that_were_changed_later_are_refused_before_a_head_is_trained(changes: dict[str, Any]):
    """Such a model could be trained, but not saved: its configuration contradicts itself."""
    config = tiny_config()
    for name, value in changes.items():
        setattr(config, name, value)
    counts = (5, 2) if "num_labels" in changes else (2, 5)
    with pytest.raises(ValueError, match="num_labels is {} but id2label names {} labels".format(*counts)):
        ConvBertForSequenceClassification(config)


def test_whole_numbers_do_for_probabilities_and_None_where_a_default_exists():
    config = tiny_config(hidden_dropout_prob=0, classifier_dropout=None, pad_token_id=None, problem_type=None)
    assert config.head_dropout == 0
