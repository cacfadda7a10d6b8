"""The published rules of SQuAD, against a table worked out by hand."""

import pytest

from convbert_edu.finetuning.tasks.question_answering import best_scores, exact_match, plain_words, word_f1


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("the Eiffel Tower", "Eiffel tower.", 1, 1),  # articles, capitals and punctuation do not count
        ("in Paris, France", "Paris", 0, 2 * 1 / (3 + 1)),  # precision 1/3, recall 1
        ("Paris", "in Paris, France", 0, 2 * 1 / (1 + 3)),
        ("New New York", "New York", 0, 2 * 2 / (3 + 2)),  # "new" is shared once only
        ("York New", "New York", 0, 1),  # the order counts for exact match only
        ("theatre", "atre", 0, 0),  # "the" is an article only as a word of its own
        ("state-of-the-art", "state of the art", 0, 0),  # the hyphens go first: "stateoftheart"
        ("1,000 m", "1000 m", 1, 1),
        ("", "", 1, 1),
        ("", "Paris", 0, 0),
        ("the", "", 1, 1),  # nothing is left of it
        ("café", "cafe", 0, 0),  # accents count
        ("a  cat\n sat", "cat sat", 1, 1),
    ],
)
def test_one_answer(answer: str, right: str, exact: float, f1: float):
    assert exact_match(answer, right) == exact
    assert word_f1(answer, right) == pytest.approx(f1)


def test_the_best_of_several_right_answers_counts():
    assert best_scores("Paris", ["in Paris", "Paris"]) == (1, 1)
    exact, f1 = best_scores("north Paris", ["in north of Paris", "Paris city of France"])
    assert (exact, f1) == (0, pytest.approx(2 * 2 / (2 + 4)))


def test_without_an_answer_only_the_empty_one_is_right():
    assert best_scores("", []) == (1, 1)
    assert best_scores("Paris", []) == (0, 0)
    assert best_scores("", ["the", "Paris"]) == (0, 0)
    assert best_scores("", ["the"]) == (1, 1)  # an answer of articles alone counts as none


def test_only_ascii_punctuation_is_removed_as_in_the_published_rules():
    assert plain_words("«Paris»!") == ["«paris»"]
