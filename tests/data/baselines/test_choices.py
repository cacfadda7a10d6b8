"""Baselines of multiple choice, by hand."""

from convbert_edu.data import ChoiceExample
from convbert_edu.data.baselines import overlap_choice, tfidf_choices

EXAMPLES = [
    ChoiceExample(
        "1", "A king of France who ruled long", ("German poet", "King of France", "King of Spain", "Fish"), 1
    ),
    ChoiceExample(
        "2", "It swims and has fins; a fish of the sea", ("King of Spain", "Fish", "Poet", "Bird of prey"), 1
    ),
]


def test_the_choice_with_the_largest_share_of_its_words():
    assert [overlap_choice(example) for example in EXAMPLES] == [1, 1]


def test_the_most_similar_choice():
    assert tfidf_choices(EXAMPLES, EXAMPLES) == [1, 1]
