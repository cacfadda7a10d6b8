"""The labels of a classification head: how many there are and what each number is called."""

import warnings
from typing import Any

from convbert_edu.config_checks import check_size


def settle_labels(
    num_labels: int | None, id2label: dict[int, str] | None, label2id: dict[str, int] | None
) -> tuple[int, dict[int, str], dict[str, int]]:
    """Return all three fields, made from those that are given: two labels, LABEL_0 and LABEL_1, if none is.

    Raises ValueError where they contradict each other.
    """
    if id2label is None:
        num_labels = 2 if num_labels is None else num_labels
        check_size("num_labels", num_labels)  # before so many names are made
        id2label = {number: f"LABEL_{number}" for number in range(num_labels)}
    _check_names(id2label)
    if num_labels is not None and num_labels != len(id2label):
        raise ValueError(
            f"num_labels is {num_labels} but id2label names {len(id2label)} labels; "
            "give one of the two, or make them agree"
        )
    reverse = {name: number for number, name in id2label.items()}
    if label2id is not None and label2id != reverse:
        raise ValueError(
            f"label2id is {label2id}; it must be the reverse of id2label {id2label}: "
            "leave label2id out and it is made for you"
        )
    return len(id2label), id2label, reverse


def with_whole_number_keys(id2label: Any) -> Any:
    """Return id2label as it was before JSON, whose keys are always text: {"0": "negative"} -> {0: "negative"}."""
    if not isinstance(id2label, dict):
        return id2label
    return {
        int(key) if isinstance(key, str) and key.isdecimal() else key: name for key, name in id2label.items()
    }


def drop_contradiction(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a config.json without its label2id, and with a warning, where it is not id2label reversed.

    Published files have such mistakes; id2label is what the numbers of a model mean.
    """
    id2label, label2id = fields.get("id2label"), fields.get("label2id")
    if not isinstance(id2label, dict) or label2id is None:
        return fields
    if label2id == {name: number for number, name in id2label.items() if isinstance(name, str)}:
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
