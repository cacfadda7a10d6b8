"""SQuAD 1.1 and 2.0: questions about paragraphs, in JSON."""

import json
import os
from collections.abc import Iterator
from typing import Any

from convbert_edu.data.examples import Answer, QuestionExample
from convbert_edu.data.formats.common import (
    FileExamples,
    OnBad,
    collect,
    open_text,
    question_example,
    text_of,
)


def read_squad(path: str | os.PathLike, on_bad: OnBad = "stop") -> FileExamples[QuestionExample]:
    """Read a file of either version; a question that is marked as impossible has no answers.

    Raises ValueError, naming the item's id, for an answer that is not at its offset (a count of characters); for a
    file of another form; where no question is left.
    """
    try:
        document = json.load(open_text(path))
        items = list(_items(document))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} has not the form of SQuAD, data > paragraphs > context and qas > id and question "
            f"({type(error).__name__}: {error})"
        ) from None
    seen: set[str] = set()

    def make(item: tuple[str, dict[str, Any]]) -> QuestionExample:
        context, question = item
        if question["id"] in seen:
            raise ValueError("its id stands twice in the file")
        seen.add(question["id"])
        asked = text_of(question["question"], "question")
        return question_example(question["id"], asked, context, _answers_of(question))

    return collect(path, ((f"item {qa['id']}", (context, qa)) for context, qa in items), make, on_bad)


def _items(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each question with its context; KeyError or TypeError where the file has another form."""
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield (
                    paragraph["context"] + "",
                    {**question, "id": str(question["id"]), "question": question["question"]},
                )


def _answers_of(question: dict[str, Any]) -> list[Answer]:
    if "answers" not in question:
        raise ValueError("it has no answers")
    try:
        answers = [
            Answer(text_of(answer["text"], "answer"), int(answer["answer_start"]))
            for answer in question["answers"]
        ]
    except (KeyError, TypeError, ValueError):
        raise ValueError("an answer needs text and answer_start, a whole number") from None
    if question.get("is_impossible") and answers:
        raise ValueError("it is marked as impossible, but has an answer")
    return answers
