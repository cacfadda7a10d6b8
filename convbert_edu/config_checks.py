"""Which configurations cannot be built, and what to do about each (lesson 05 counts what the sizes cost).

Every error names the field, its value, the rule and the remedy.
"""

import sys
from typing import Any

from convbert_edu.activations import ACTIVATIONS

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")
SUMMARY_TYPES = ("last", "first")
# The three kinds of lesson 03: SDConv, DConv, LConv.
CONVOLUTIONS = ("span", "dynamic", "fixed")
# No real model comes near: a larger number is a damaged file, and would ask for all the memory there is.
LARGEST_SIZE = 10_000_000
MOST_LAYERS = 1000
MOST_PARAMETERS = 10**11

POSITIVE_INTEGERS = (
    "vocab_size embedding_size hidden_size num_hidden_layers num_attention_heads head_ratio conv_kernel_size "
    "intermediate_size num_groups max_position_embeddings type_vocab_size num_labels"
).split()
PROBABILITIES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
BOOLEANS = (
    "mask_convolution gamma_bottleneck attention_only shared_values tie_word_embeddings is_decoder add_cross_attention "
    "output_attentions output_hidden_states output_conv_kernels"
).split()


def check_config(config: Any) -> None:
    """Raise ValueError at the first field that makes `config` (a ConvBertConfig) impossible to build."""
    for name in POSITIVE_INTEGERS:
        check_size(name, getattr(config, name))
    for name in BOOLEANS:
        value = getattr(config, name)
        _require(isinstance(value, bool), name, value, "true or false")
    for name in PROBABILITIES:
        value = getattr(config, name)
        if not (name == "classifier_dropout" and value is None):
            _require(
                _is_number(value) and 0 <= value < 1, name, value, "a number from 0 up to, not including, 1"
            )
    _require(_is_number(config.layer_norm_eps) and config.layer_norm_eps > 0, "layer_norm_eps",
             config.layer_norm_eps, "a small number above 0, such as 1e-12")  # fmt: skip
    _require(_is_number(config.initializer_range) and config.initializer_range >= 0, "initializer_range",
             config.initializer_range, "a number of at least 0, such as 0.02")  # fmt: skip
    _require_one_of("hidden_act", config.hidden_act, sorted(ACTIVATIONS))
    _require_one_of("summary_type", config.summary_type, SUMMARY_TYPES)
    _require_one_of("convolution", config.convolution, CONVOLUTIONS)
    if config.attention_only and config.convolution != "span":
        raise ValueError(
            f"convolution is {config.convolution!r} and attention_only is true; a model without convolutions has no "
            "kind of them, so leave one of the two fields out"
        )
    if config.attention_only and config.shared_values:
        raise ValueError(
            "shared_values is true and attention_only is true; a model without convolutions has none that could share "
            "the values of self-attention, so leave one of the two fields out"
        )
    if config.problem_type is not None:
        _require_one_of("problem_type", config.problem_type, PROBLEM_TYPES)
    params = config.task_specific_params
    well_formed = isinstance(params, dict) and all(isinstance(options, dict) for options in params.values())
    _require(params is None or well_formed, "task_specific_params", params,
             "none, or for the name of each task a dictionary of its options")  # fmt: skip
    for name in ("is_decoder", "add_cross_attention"):
        if getattr(config, name):
            raise ValueError(
                f"{name} is true, but ConvBERT is an encoder: its convolutions look at both sides of a word, so "
                f"it cannot generate text from left to right; set {name} to false"
            )
    _check_tokens_and_labels(config)
    _check_divisions(config)
    _check_total(config)


def check_size(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a whole number that can be the size of something."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    _require(whole and 1 <= value <= LARGEST_SIZE, name, value, f"a whole number from 1 to {LARGEST_SIZE:,}")


def _check_tokens_and_labels(config: Any) -> None:
    pad = config.pad_token_id
    if pad is not None:
        is_id = isinstance(pad, int) and not isinstance(pad, bool) and 0 <= pad < config.vocab_size
        _require(is_id, "pad_token_id", pad, f"None or a row of the vocabulary, 0 to {config.vocab_size - 1}")
    # They agree when a configuration is made; one of them may have been changed since.
    names = len(config.id2label or ())
    if config.num_labels != names:
        raise ValueError(
            f"num_labels is {config.num_labels} but id2label names {names} labels; say how many labels there are when "
            "the configuration is made, by num_labels or by id2label: the other one then follows"
        )
    if config.problem_type == "single_label_classification":
        _require(config.num_labels > 1, "num_labels", config.num_labels, "at least 2 for problem_type "
                 "'single_label_classification', which chooses between labels; for one number to predict use "
                 "'regression'")  # fmt: skip


def _check_divisions(config: Any) -> None:
    _require(config.conv_kernel_size % 2 == 1, "conv_kernel_size", config.conv_kernel_size,
             "odd, so that a window has a middle token; try one more or one less")  # fmt: skip
    heads = config.num_heads_per_branch
    if config.gamma_bottleneck or config.attention_only:
        _require(config.hidden_size % config.num_attention_heads == 0, "hidden_size", config.hidden_size,
                 f"a multiple of num_attention_heads ({config.num_attention_heads})")  # fmt: skip
    else:
        _require(config.hidden_size % (2 * heads) == 0, "hidden_size", config.hidden_size,
                 f"a multiple of {2 * heads}: two branches (attention, convolution) of num_attention_heads // "
                 f"head_ratio = {heads} heads each; change hidden_size or num_attention_heads")  # fmt: skip
    for name in ("hidden_size", "intermediate_size"):
        _require(getattr(config, name) % config.num_groups == 0, name, getattr(config, name),
                 f"a multiple of num_groups ({config.num_groups}), which cuts it into equal slices")  # fmt: skip


def _check_total(config: Any) -> None:
    """Refuse sizes that are possible one by one but together ask for all the memory there is, or all the time."""
    _require(config.num_hidden_layers <= MOST_LAYERS, "num_hidden_layers", config.num_hidden_layers,
             f"a whole number from 1 to {MOST_LAYERS:,}")  # fmt: skip
    rows = config.vocab_size + config.max_position_embeddings + config.type_vocab_size + config.hidden_size
    layer = 5 * config.branch_size + config.hidden_size + 2 * config.intermediate_size // config.num_groups
    total = rows * config.embedding_size + config.hidden_size * (
        config.num_hidden_layers * layer + config.num_labels
    )
    if total > MOST_PARAMETERS:
        raise ValueError(
            f"the model would have about {total:.1e} parameters, and more than {MOST_PARAMETERS:.0e} cannot be meant; "
            "look for a wrong number among vocab_size, embedding_size, hidden_size and intermediate_size"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _require(condition: bool, name: str, value: Any, rule: str) -> None:
    if not condition:
        raise ValueError(f"{name} is {value!r}; it must be {rule}")


def _require_one_of(name: str, value: Any, allowed: Any) -> None:
    _require(value in allowed, name, value, f"one of {', '.join(map(repr, allowed))}")
