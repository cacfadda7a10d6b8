"""What makes an example of each kind a good one; the readers of all formats ask here."""

from collections.abc import Sequence

from convbert_edu.data.examples import Answer, ChoiceExample, QuestionExample, TextExample
from convbert_edu.data.formats.labels import label_number


def text_example(
    text: str, label: int | float | tuple[int, ...], text_pair: str | None = None
) -> TextExample:
    """Return the example; ValueError where there is no text at all."""
    if not text.strip() and not (text_pair or "").strip():
        raise ValueError("the text is empty")
    return TextExample(text, label, text_pair)


def question_example(id_: str, question: str, context: str, answers: Sequence[Answer]) -> QuestionExample:
    """Return the example; ValueError where an answer is empty or does not stand at its offset."""
    if not question.strip():
        raise ValueError("the question is empty")
    for answer in answers:
        if not answer.text.strip():
            raise ValueError("an answer is empty")
        there = context[answer.start : answer.start + len(answer.text)] if answer.start >= 0 else ""
        if there != answer.text:
            place = context.find(answer.text)
            really = f"it stands at {place}" if place >= 0 else "it is not in the context"
            raise ValueError(
                f"the answer {answer.text!r} is not at its offset {answer.start}, where {there!r} stands; {really} "
                "(an offset counts characters, neither bytes nor UTF-16 units)"
            )
    return QuestionExample(id_, question, context, tuple(answers))


def choice_example(
    id_: str, context: str, choices: Sequence[str], label: str | int | None, question: str = ""
) -> ChoiceExample:
    """Return the example; ValueError where a choice is missing or the label names none of them."""
    for number, choice in enumerate(choices):
        if not choice.strip():
            raise ValueError(f"choice {number} is missing")
    names = [str(number) for number in range(len(choices))]
    return ChoiceExample(id_, context, tuple(choices), label_number(label, names), question)
