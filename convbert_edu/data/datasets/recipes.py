"""Recipes, and the task of telling from its steps which ingredients one uses: several labels at once (lesson 09)."""

import json
import re

from convbert_edu.data.datasets.download import clean_text
from convbert_edu.data.datasets.sources import read_inside
from convbert_edu.data.examples import Splits, TextExample, split_by_key

INGREDIENTS = (
    "salt", "sugar", "butter", "oil", "egg", "flour", "milk", "onion", "garlic", "pepper", "water", "tomato", "cheese",
    "cream", "lemon", "vanilla", "cinnamon", "ginger", "chicken", "beef", "rice", "vinegar", "potato", "cumin",
    "soy sauce",
)  # fmt: skip
MINIMUM_WORDS = 25
MASK = "[MASK]"

_MENTIONS = {name: re.compile(rf"\b{name}(?:e?s)?\b", re.IGNORECASE) for name in INGREDIENTS}


def load_recipes(masked: bool = True) -> Splits[TextExample]:
    """Return the steps of recipes of the Wikibooks Cookbook, with a 1 or 0 for each of the INGREDIENTS:
    2,329 / 300 / 304.

    An ingredient counts if its word stands in the recipe's list of ingredients. With `masked`, these words are
    replaced by [MASK] in the steps, so that a model must tell from how something is cooked what it is. Left out are
    recipes with fewer than 25 words of steps; the splits follow from the md5 of the title (80 / 10 / 10).
    """
    (content,) = read_inside("recipes").values()
    titled = []
    for recipe in json.loads(content).values():
        steps = clean_text(" ".join(recipe["steps"]))
        if len(steps.split()) >= MINIMUM_WORDS:
            label = tuple(int(uses(name, recipe["ingredients"])) for name in INGREDIENTS)
            titled.append((recipe["title"], TextExample(mask_ingredients(steps) if masked else steps, label)))
    splits = split_by_key(titled, key=lambda pair: pair[0])
    return Splits(
        train=[example for _, example in splits.train],
        validation=[example for _, example in splits.validation],
        test=[example for _, example in splits.test],
        label_names=INGREDIENTS,
    )


def uses(name: str, ingredients: list[str]) -> bool:
    """Say whether the word `name`, or its plural, stands in a list of ingredients."""
    return any(_MENTIONS[name].search(line) for line in ingredients)


def mask_ingredients(text: str) -> str:
    """Replace each mention of one of the INGREDIENTS."""
    for mention in _MENTIONS.values():
        text = mention.sub(MASK, text)
    return text
