"""Multiple choice: exact numbers, four different choices, and nothing that gives the answer away."""

import hashlib
import re
from collections import Counter

import pytest

from convbert_edu.data import ChoiceExample, Splits, load_articles, load_choices
from convbert_edu.data.datasets.wikipedia import Article, masked_passage, without_years


@pytest.fixture(scope="module")
def choices() -> Splits:
    return load_choices()


def every_one(choices: Splits) -> list[ChoiceExample]:
    return [*choices.train, *choices.validation, *choices.test]


def test_the_splits_have_the_documented_sizes(choices: Splits):
    assert [len(split) for split in (choices.train, choices.validation, choices.test)] == [5101, 656, 646]
    assert len({example.id for example in every_one(choices)}) == 6403


def test_the_title_decides_the_part(choices: Splits):
    for name in ("train", "validation", "test"):
        for example in getattr(choices, name):
            percent = int(hashlib.md5(example.id.encode()).hexdigest(), 16) % 100
            assert name == ("train" if percent < 80 else "validation" if percent < 90 else "test")


def test_no_test_title_is_in_the_text_for_pretraining(choices: Splits):
    """Pretraining reads the training articles (and measures itself on the validation ones)."""
    articles = load_articles()
    assert {example.id for example in choices.test} <= {article.title for article in articles.test}


def test_choices_are_of_the_same_split_and_one_is_right(choices: Splits):
    articles = load_articles()
    for name in ("train", "validation", "test"):
        topic_of = {without_years(a.description): a.topic for a in getattr(articles, name)}
        description_of = {a.title: without_years(a.description) for a in getattr(articles, name)}
        for example in getattr(choices, name):
            assert len(set(example.choices)) == 4
            assert example.choices[example.label] == description_of[example.id]
            assert len({topic_of[choice] for choice in example.choices}) == 1


def test_the_place_of_the_right_choice_says_nothing(choices: Splits):
    counts = Counter(example.label for example in every_one(choices))
    assert all(abs(counts[label] / 6403 - 0.25) < 0.015 for label in range(4))


def test_neither_title_nor_years_are_shown(choices: Splits):
    for example in every_one(choices):
        title = re.sub(r" \([^()]*\)$", "", example.id)
        assert not re.search(rf"(?<!\w){re.escape(title)}(?!\w)", example.context.replace("[MASK]", ""), re.I)
        assert len(example.context.split()) >= 20
        assert not any(re.search(r"\b1[0-9]{3}\b", choice) for choice in example.choices)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("King of France from 1774 to 1792", "King of France"),
        ("German composer (1813\u20131883)", "German composer"),
        ("1962 confrontation between the US and USSR", "Confrontation between the US and USSR"),
        ("Christian states in the Levant, 1098\u20131291", "Christian states in the Levant"),
        ("Chemical element with atomic number 54 (Xe)", "Chemical element with atomic number 54 (Xe)"),
    ],
)
def test_years_go(description: str, expected: str):
    assert without_years(description) == expected


def test_a_passage_by_hand():
    article = Article(
        "Plate armour (Europe)",
        "",
        "History",
        "It was by Arthur C. Clarke. Plate armour, or plates, is late. End.",
    )
    assert masked_passage(article) == "[MASK], or [MASK], is late. End."


def test_drawn_items_come_beside_the_hard_ones(choices: Splits):
    more = load_choices(draws=2)
    assert more.train[::3] == choices.train
    assert (more.validation, more.test) == (choices.validation, choices.test)
    topic_of = {without_years(a.description): a.topic for a in load_articles().train}
    for number, hard in enumerate(choices.train):
        drawn = more.train[3 * number + 1 : 3 * number + 3]
        right = hard.choices[hard.label]
        for example in drawn:
            assert (example.context, example.choices[example.label]) == (hard.context, right)
            assert len(set(example.choices)) == 4
            assert {topic_of[choice] for choice in example.choices} == {topic_of[right]}
    labels = Counter(example.label for example in more.train)
    assert all(abs(labels[label] / len(more.train) - 0.25) < 0.015 for label in range(4))
    wrong = [set(example.choices) for example in more.train]
    assert sum(a == b for a, b in zip(wrong[1::3], wrong[2::3], strict=True)) < 20  # each time others


def test_the_first_sentence_can_stay(choices: Splits):
    easy, as_long = load_choices(first_sentence=True), []
    for split in ("train", "validation", "test"):
        for plain, example in zip(getattr(choices, split), getattr(easy, split), strict=True):
            assert (example.id, example.choices, example.label) == (plain.id, plain.choices, plain.label)
            assert example.context[-60:] == plain.context[-60:]
            if len(example.context.split()) <= len(plain.context.split()):
                as_long.append(plain.id)
    assert as_long == [
        "Sgt. Pepper's Lonely Hearts Club Band"
    ]  # whose title reads like the end of a sentence


def test_a_negative_number_of_draws_is_refused():
    with pytest.raises(ValueError, match="draws is -1"):
        load_choices(draws=-1)
