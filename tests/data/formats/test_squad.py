"""SQuAD files of both versions, and items that are wrong."""

import json

import pytest

from convbert_edu.data.examples import Answer
from convbert_edu.data.formats.squad import read_squad

CONTEXT = 'The sign 𐍈 and 😀 stand in Straße 5, "quoted"\tand tabbed.'


def squad(*questions: dict, context: str = CONTEXT) -> str:
    article = {"title": "Signs", "paragraphs": [{"context": context, "qas": list(questions)}]}
    return json.dumps({"version": "v2.0", "data": [article]}, ensure_ascii=False)


def item(id_: str, text: str, start: int, **more: object) -> dict:
    return {"id": id_, "question": "Where?", "answers": [{"text": text, "answer_start": start}], **more}


def test_both_versions_with_characters_beyond_the_bmp(write):
    start = CONTEXT.index("Straße")
    twice = {"text": "Straße 5", "answer_start": start}
    impossible = {
        "id": "c",
        "question": "Who?",
        "answers": [],
        "is_impossible": True,
        "plausible_answers": [twice],
    }
    questions = [
        item("a", "Straße", start),
        {
            "id": "b",
            "question": "Where?",
            "answers": [twice, {"text": "Straße", "answer_start": start}],
            "is_impossible": False,
        },
        impossible,
    ]
    file = read_squad(write("dev.json", "\ufeff" + squad(*questions)))
    a, b, c = file.examples
    assert a.answers == (Answer("Straße", start),)
    assert b.answers == (Answer("Straße 5", start), Answer("Straße", start))
    assert (c.id, c.question, c.answers) == ("c", "Who?", ())
    assert a.context == CONTEXT


def test_an_answer_that_is_not_at_its_offset_is_named(write):
    utf16 = len(CONTEXT[: CONTEXT.index("Straße")].encode("utf-16-le")) // 2
    path = write("dev.json", squad(item("good", "sign", 4), item("q17", "Straße", utf16)))
    with pytest.raises(
        ValueError, match=f"item q17: the answer 'Straße' is not at its offset {utf16}"
    ) as error:
        read_squad(path)
    assert f"it stands at {CONTEXT.index('Straße')}" in str(error.value)
    with pytest.warns(UserWarning, match="1 bad row was left out: item q17"):
        file = read_squad(path, on_bad="skip")
    assert [example.id for example in file.examples] == ["good"]
    assert file.bad.count == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (item("x", "nowhere", 4), "it is not in the context"),
        (item("x", "sign", -5), "not at its offset -5"),
        (item("x", "", 4), "an answer is empty"),
        (item("x", 5, 4), "an answer needs text and answer_start"),
        ({**item("x", "sign", 4), "question": None}, "the question is missing"),
        (item("x", "sign", 4, is_impossible=True), "marked as impossible, but has an answer"),
        (item("x", "sign", 4, question=" "), "the question is empty"),
        ({"id": "x", "question": "Who?"}, "it has no answers"),
        ({"id": "x", "question": "Who?", "answers": [{"text": "sign"}]}, "needs text and answer_start"),
        (item("good", "sign", 4), "its id stands twice"),
    ],
)
def test_bad_items(write, bad: dict, message: str):
    with pytest.raises(ValueError, match=message) as error:
        read_squad(write("dev.json", squad(item("good", "sign", 4), bad)))
    assert f"item {bad['id']}" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("{", "is no JSON"),
        ("[]", "has not the form of SQuAD"),
        ('{"data": [{"title": "x"}]}', "has not the form of SQuAD.*paragraphs"),
        ('{"data": []}', "holds no examples"),
    ],
)
def test_files_that_are_no_squad(write, content: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_squad(write("dev.json", content))
