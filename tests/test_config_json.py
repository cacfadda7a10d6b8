"""The label fields of a configuration: made from each other, replaced, and refused where they contradict each other."""

import re
from pathlib import Path
from typing import Any

import pytest
import transformers

from convbert_edu import ConvBertConfig
from helpers import tiny_config


def labels_of(config: Any) -> tuple[int, dict[int, str], dict[str, int]]:
    return config.num_labels, config.id2label, config.label2id


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"num_labels": 1},
        {"num_labels": 3},
        {"id2label": {0: "no", 1: "yes", 2: "perhaps"}, "label2id": {"no": 0, "yes": 1, "perhaps": 2}},
    ],
)
def test_label_fields_come_out_as_in_transformers(fields: dict[str, Any]):
    assert labels_of(ConvBertConfig(**fields)) == labels_of(transformers.ConvBertConfig(**fields))


def test_label2id_is_made_from_id2label():
    assert ConvBertConfig(id2label={0: "no", 1: "yes", 2: "perhaps"}).label2id == {
        "no": 0,
        "yes": 1,
        "perhaps": 2,
    }


def test_names_come_in_the_order_of_their_numbers_whatever_that_of_the_file():
    names = [f"topic {number}" for number in range(12)]
    in_file = {str(number): names[number] for number in (0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9)}
    config = ConvBertConfig.from_dict({"id2label": in_file})
    assert list(config.id2label.values()) == names
    assert list(config.label2id) == names


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, {0: "no", 1: "yes", 2: "perhaps"}),
        ({"num_labels": 3}, {0: "no", 1: "yes", 2: "perhaps"}),  # as many as before: names stay
        ({"num_labels": 2}, {0: "LABEL_0", 1: "LABEL_1"}),
        ({"id2label": {0: "bad", 1: "good"}}, {0: "bad", 1: "good"}),
        ({"id2label": {"0": "bad", "1": "good"}, "label2id": {"bad": 0, "good": 1}}, {0: "bad", 1: "good"}),
    ],
)
def test_labels_of_a_folder_can_be_replaced(
    overrides: dict[str, Any], expected: dict[int, str], tmp_path: Path
):
    tiny_config(id2label={0: "no", 1: "yes", 2: "perhaps"}).save_pretrained(tmp_path)
    config = ConvBertConfig.from_pretrained(tmp_path, **overrides)
    assert config.id2label == expected
    assert config.label2id == {name: number for number, name in expected.items()}
    assert config.num_labels == len(expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"num_labels": 3, "id2label": {0: "no", 1: "yes"}},
            "num_labels is 3 but id2label names 2 labels",
        ),
        ({"id2label": {}}, "id2label is {}; it must give each label a name"),
        ({"id2label": ["no", "yes"]}, "id2label is ['no', 'yes']; it must give each label a name"),
        ({"id2label": {1: "no", 2: "yes"}}, "id2label has the numbers [1, 2]; they must be 0 to 1"),
        ({"id2label": {"zero": "no"}}, "id2label has the numbers ['zero']; they must be 0 to 0"),
        ({"id2label": {0: "O", 1: "O"}}, "must not give two labels one name"),
        ({"id2label": {0: 5}}, "id2label is {0: 5}; it must name each label with a text"),
        (
            {"label2id": {"no": 0, "yes": 1}},
            "it must be the reverse of id2label {0: 'LABEL_0', 1: 'LABEL_1'}",
        ),
    ],
)
def test_labels_that_contradict_each_other(fields: dict[str, Any], message: str, as_a_user: None):
    with pytest.raises(ValueError, match=re.escape(message)):
        tiny_config(**fields)
