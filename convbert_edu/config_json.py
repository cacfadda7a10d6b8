"""What a config.json says: fields of the configuration, transformers' metadata, unknown fields; and the labels.

Lesson 06 opens such files. A published one may contradict itself, so everything in it is settled here, with a
warning or an error, before a configuration is made.
"""

import warnings
from collections.abc import Set
from typing import Any

from convbert_edu.config_checks import check_size

CONFIG_FILE = "config.json"
# The second stands in the first revisions of the published models.
MODEL_TYPES = ("convbert", "conv_bert")

# What transformers writes into every config.json about itself and the file. It says nothing about the model's
# arithmetic: it can be read in `ConvBertConfig.notes`, and is replaced when the model is saved again.
METADATA_FIELDS = frozenset(
    "_name_or_path architectures attn_implementation chunk_size_feed_forward directionality dtype "
    "gradient_checkpointing is_encoder_decoder model_type return_dict tokenizer_class torch_dtype "
    "transformers_version use_cache xla_device".split()
)
LABEL_FIELDS = ("num_labels", "id2label", "label2id")


def fields_from_json(
    values: dict[str, Any], overrides: dict[str, Any], known: Set[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the `known` fields of a config.json, with `overrides` in place of its own; its metadata; unknown fields.

    Warns of what a published file may have wrong: unknown fields, another kind of model, labels that contradict
    each other.
    """
    unknown = {name: value for name, value in values.items() if name not in known | METADATA_FIELDS}
    if unknown:
        warnings.warn(
            f"configuration fields {sorted(unknown)} are unknown to convbert_edu: they have no effect here, "
            "and are kept when you save",
            stacklevel=3,
        )
    if values.get("model_type", MODEL_TYPES[0]) not in MODEL_TYPES:
        warnings.warn(
            f"the configuration says that it is of a {values['model_type']!r}, not of a 'convbert'; its weights will "
            "hardly fit",
            stacklevel=3,
        )
    fields = {name: value for name, value in values.items() if name in known}
    fields["id2label"] = with_integer_keys(fields.get("id2label"))
    labels = fields["id2label"] if isinstance(fields["id2label"], dict) else {}
    if "id2label" in overrides or overrides.get("num_labels", len(labels)) != len(labels):
        # New labels replace all that the file says of the old ones.
        fields = {name: value for name, value in fields.items() if name not in LABEL_FIELDS}
    else:
        fields = drop_contradiction(fields)
    fields |= overrides
    fields["id2label"] = with_integer_keys(fields.get("id2label"))
    return fields, {name: value for name, value in values.items() if name in METADATA_FIELDS}, unknown


# The labels of a classification head: how many there are, and the name of each id ----------------------------


def settle_labels(
    num_labels: int | None, id2label: dict[int, str] | None, label2id: dict[str, int] | None
) -> tuple[int, dict[int, str], dict[str, int]]:
    """Return all three fields, made from those that are given: two labels, LABEL_0 and LABEL_1, if none is.

    The names come in the order of their numbers, as the scores of a head do.
    Raises ValueError where they contradict each other.
    """
    if id2label is None:
        num_labels = 2 if num_labels is None else num_labels
        # Before so many names are made.
        check_size("num_labels", num_labels)
        id2label = {index: f"LABEL_{index}" for index in range(num_labels)}
    _check_names(id2label)
    # Published files have the order of the letters: 0, 1, 10, 11, 2.
    id2label = dict(sorted(id2label.items()))
    if num_labels is not None and num_labels != len(id2label):
        raise ValueError(
            f"num_labels is {num_labels} but id2label names {len(id2label)} labels; "
            "give one of the two, or make them agree"
        )
    reverse = {name: index for index, name in id2label.items()}
    if label2id is not None and label2id != reverse:
        raise ValueError(
            f"label2id is {label2id}; it must be the reverse of id2label {id2label}: "
            "leave label2id out and it is made for you"
        )
    return len(id2label), id2label, reverse


def with_integer_keys(id2label: Any) -> Any:
    """Return id2label as it was before JSON, whose keys are always text: {"0": "negative"} -> {0: "negative"}."""
    if not isinstance(id2label, dict):
        return id2label
    return {
        int(key) if isinstance(key, str) and key.isdecimal() else key: name for key, name in id2label.items()
    }


def drop_contradiction(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a config.json without its label2id, and with a warning, where it is not id2label reversed.

    Published files have such mistakes; id2label is what the ids that a model predicts mean.
    """
    id2label, label2id = fields.get("id2label"), fields.get("label2id")
    if not isinstance(id2label, dict) or label2id is None:
        return fields
    if label2id == {name: index for index, name in id2label.items() if isinstance(name, str)}:
        return fields
    warnings.warn(
        f"the configuration's label2id {label2id} is not the reverse of its id2label {id2label}; id2label is used",
        stacklevel=4,
    )
    return {name: value for name, value in fields.items() if name != "label2id"}


def _check_names(id2label: Any) -> None:
    if not isinstance(id2label, dict) or not id2label:
        raise ValueError(
            f'id2label is {id2label!r}; it must give each label a name: {{0: "negative", 1: "positive"}}'
        )
    if set(id2label) != set(range(len(id2label))):
        raise ValueError(
            f"id2label has the numbers {list(id2label)}; they must be 0 to {len(id2label) - 1}, each once"
        )
    if not all(isinstance(name, str) for name in id2label.values()):
        raise ValueError(f"id2label is {id2label}; it must name each label with a text")
    if len(set(id2label.values())) < len(id2label):
        raise ValueError(f"id2label is {id2label}; it must not give two labels one name")
