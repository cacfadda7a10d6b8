"""The fields of a config.json: ours, notes that transformers makes for itself, and unknown ones."""

import warnings
from collections.abc import Set
from typing import Any

from convbert_edu.config_labels import drop_contradiction, with_whole_number_keys

CONFIG_FILE = "config.json"
MODEL_TYPES = ("convbert", "conv_bert")  # the second in the first revisions of the published models

# What transformers writes into every config.json about itself and the file. It says nothing about the model's
# arithmetic: it can be read in `ConvBertConfig.notes`, but whoever saves the model next writes his own.
NOTES = frozenset(
    "_name_or_path architectures attn_implementation chunk_size_feed_forward directionality dtype "
    "gradient_checkpointing is_encoder_decoder model_type return_dict tokenizer_class torch_dtype "
    "transformers_version use_cache xla_device".split()
)
LABEL_FIELDS = ("num_labels", "id2label", "label2id")


def fields_from_json(
    values: dict[str, Any], overrides: dict[str, Any], known: Set[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the `known` fields of a config.json, with `overrides` in place of its own; its notes; unknown fields.

    Warns of what a published file may have wrong: unknown fields, another kind of model, labels that contradict
    each other.
    """
    unknown = {name: value for name, value in values.items() if name not in known | NOTES}
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
    fields["id2label"] = with_whole_number_keys(fields.get("id2label"))
    labels = fields["id2label"] if isinstance(fields["id2label"], dict) else {}
    if "id2label" in overrides or overrides.get("num_labels", len(labels)) != len(labels):
        # New labels replace all that the file says of the old ones.
        fields = {name: value for name, value in fields.items() if name not in LABEL_FIELDS}
    else:
        fields = drop_contradiction(fields)
    fields |= overrides
    fields["id2label"] = with_whole_number_keys(fields.get("id2label"))
    return fields, {name: value for name, value in values.items() if name in NOTES}, unknown
