"""Questions about countries: exact numbers, every answer at its offset, test countries unseen."""

import hashlib
import re
from collections import Counter

import pytest

from convbert_edu.data import QuestionExample, Splits, load_passages, load_questions
from convbert_edu.data.datasets.factbook_questions import QUESTION_TYPES


@pytest.fixture(scope="module")
def questions() -> Splits:
    return load_questions()


def every_one(questions: Splits) -> list[QuestionExample]:
    return [*questions.train, *questions.validation, *questions.test]


def test_the_splits_have_the_documented_sizes(questions: Splits):
    splits = (questions.train, questions.validation, questions.test)
    assert [len(split) for split in splits] == [5572, 1010, 1092]
    assert [sum(example.kind == "list" for example in split) for split in splits] == [1949, 337, 379]
    assert {example.kind for example in every_one(questions)} == {"prose", "list"}
    assert len({example.id for example in every_one(questions)}) == 5572 + 1010 + 1092


def test_every_answer_stands_at_its_offset_and_nowhere_else(questions: Splits):
    for example in every_one(questions):
        (answer,) = example.answers
        assert example.context[answer.start : answer.start + len(answer.text)] == answer.text
        assert answer.text == answer.text.strip()
        word = rf"(?<!\w){re.escape(answer.text)}(?!\w)"
        assert len(re.findall(word, example.context, re.IGNORECASE)) == 1


def test_contexts_have_the_documented_length(questions: Splits):
    lengths = [len(example.context.split()) for example in every_one(questions)]
    assert 110 <= min(lengths) < 120
    assert 240 < max(lengths) <= 250


def test_no_test_country_is_seen_in_training_or_pretraining(questions: Splits):
    countries = load_passages()
    for name in ("train", "validation", "test"):
        codes = {example.id.split("-")[0] for example in getattr(questions, name)}
        assert codes <= {country.code for country in getattr(countries, name)}


def test_no_answer_is_near_constant(questions: Splits):
    """No answer to one kind of question is given so often that guessing it would pay."""
    patterns = [
        re.compile("|".join(re.sub(r"\\{\w+\\}", ".+", re.escape(wording)) for wording in type_.wordings))
        for type_ in QUESTION_TYPES
    ]
    answers = [Counter() for _ in QUESTION_TYPES]
    for example in every_one(questions):
        (number,) = [n for n, pattern in enumerate(patterns) if pattern.fullmatch(example.question)]
        answers[number][example.answers[0].text] += 1
    assert all(counts.most_common(1)[0][1] < 0.25 * counts.total() for counts in answers)


def test_an_answer_known_by_heart(questions: Splits):
    known = {
        "What is the capital of Austria?": "Vienna",
        "Which city is the seat of government of Austria?": "Vienna",
    }
    found = [e.answers[0].text for e in every_one(questions) if e.question in known]
    assert found == ["Vienna"]


def test_the_set_is_the_same_on_each_machine(questions: Splits):
    items = "\n".join(f"{e.id} {e.question} {e.context} {e.answers}" for e in every_one(questions))
    assert hashlib.sha256(items.encode()).hexdigest()[:16] == "052628daddf78b48"
