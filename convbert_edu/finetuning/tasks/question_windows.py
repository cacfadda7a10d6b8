"""Questions with long contexts as rows: windows over the context that overlap, and the way back to its characters.

Lesson 11 builds them. The rows themselves are `EncodedQuestionWindows` in data/batching.py.
"""

from collections.abc import Sequence

import torch

from convbert_edu.data.batching import EncodedQuestionWindows, Span
from convbert_edu.data.examples import QuestionExample
from convbert_edu.tokenizer import ConvBertTokenizer


def encode_windows(
    examples: Sequence[QuestionExample], tokenizer: ConvBertTokenizer, max_length: int, stride: int
) -> EncodedQuestionWindows:
    """Cut the context of each question into windows that share `stride` tokens with the one before.

    Raises ValueError, naming the item, for a question that leaves no room for its context.
    """
    questions, contexts = [e.question for e in examples], [e.context for e in examples]
    _check_questions(examples, tokenizer, max_length, stride)
    batch = tokenizer(
        questions, contexts, truncation="only_second", max_length=max_length, stride=stride,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    example_of_row = batch["overflow_to_sample_mapping"]
    spans: list[list[Span | None]] = []
    positions: list[Span] = []
    for row, number in enumerate(example_of_row):
        in_context = [side == 1 for side in batch.sequence_ids(row)]
        offsets = batch["offset_mapping"][row]
        spans.append(
            [tuple(span) if inside else None for span, inside in zip(offsets, in_context, strict=True)]
        )
        positions.append(answer_position(examples[number], spans[-1]))
    return EncodedQuestionWindows(
        input_ids=batch["input_ids"],
        token_type_ids=batch["token_type_ids"],
        pad_token_id=tokenizer.pad_token_id,
        example_of_row=example_of_row,
        spans=spans,
        starts=torch.tensor([start for start, _ in positions]),
        ends=torch.tensor([end for _, end in positions]),
    )


def answer_position(example: QuestionExample, spans: Sequence[Span | None]) -> tuple[int, int]:
    """Return the first and the last token of the first answer; (0, 0) unless the whole of it is in the window."""
    positions = [position for position, span in enumerate(spans) if span is not None]
    if not example.answers or not positions:
        return 0, 0
    answer = example.answers[0]
    text = answer.text.strip()
    start = answer.start + answer.text.index(text)
    end = start + len(text)
    if spans[positions[0]][0] > start or spans[positions[-1]][1] < end:
        return 0, 0
    inside = [position for position in positions if spans[position][1] > start and spans[position][0] < end]
    return (inside[0], inside[-1]) if inside else (0, 0)


def _check_questions(
    examples: Sequence[QuestionExample], tokenizer: ConvBertTokenizer, max_length: int, stride: int
) -> None:
    specials = tokenizer.num_special_tokens_to_add(True)
    questions = tokenizer([e.question for e in examples], add_special_tokens=False)["input_ids"]
    for example, question in zip(examples, questions, strict=True):
        room = max_length - specials - len(question)
        if room > stride:
            continue
        if room < len(tokenizer(example.context, add_special_tokens=False)["input_ids"]):
            raise ValueError(
                f"the question of item {example.id!r} has {len(question)} tokens; in a window of {max_length} that "
                f"leaves {max(room, 0)} for the context, and more than stride={stride} are needed: raise max_length, "
                "lower stride, or shorten the question"
            )
