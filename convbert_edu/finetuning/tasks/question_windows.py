"""Questions with long contexts as rows: windows over the context that overlap, and the way back to its characters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from convbert_edu.data.batching import EncodedRows
from convbert_edu.data.examples import QuestionExample
from convbert_edu.tokenizer import ConvBertTokenizer

Span = tuple[int, int]  # the characters from the first number to before the second


@dataclass(frozen=True, kw_only=True)
class EncodedWindows(EncodedRows):
    """Rows [CLS] question [SEP] a window of the context [SEP].

    example_of_row: the example that each window belongs to
    spans: for each token of a window the characters of the context; None for all other tokens
    starts, ends: [rows] the first and last token of the answer; 0, the place of [CLS], where it is not in the window
    """

    example_of_row: list[int]
    spans: list[list[Span | None]]
    starts: Tensor
    ends: Tensor

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with `start_positions` and `end_positions`."""
        positions = {"start_positions": self.starts[list(rows)], "end_positions": self.ends[list(rows)]}
        return {**super().batch(rows, width, epoch), **positions}

    def with_fewer_empty(self, share: float) -> Self:
        """Return the windows that hold the answer and, evenly spread, a `share` of those that do not.

        In long contexts most windows are empty, and a few of them show as well as all what an empty one looks like.
        Raises ValueError where nothing is left.
        """
        empty = (self.starts == 0) & (self.ends == 0)
        before = empty.cumsum(0) - 1  # empty windows before an empty one
        global_step = ((before + 1) * share).floor() > (before * share).floor()
        kept = torch.nonzero(~empty | global_step).flatten().tolist()
        if not kept:
            raise ValueError(
                f"no_answer_window_ratio is {share}, and none of the {len(self)} windows holds an answer: nothing is "
                "left to learn from; raise no_answer_window_ratio, or give questions with answers"
            )
        return self.chosen(kept)

    def chosen(self, rows: Sequence[int]) -> Self:
        """Return some of the windows."""
        return replace(
            self,
            input_ids=[self.input_ids[row] for row in rows],
            token_type_ids=[self.token_type_ids[row] for row in rows],
            example_of_row=[self.example_of_row[row] for row in rows],
            spans=[self.spans[row] for row in rows],
            starts=self.starts[list(rows)],
            ends=self.ends[list(rows)],
        )


def encode_windows(
    examples: Sequence[QuestionExample], tokenizer: ConvBertTokenizer, max_length: int, stride: int
) -> EncodedWindows:
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
    return EncodedWindows(
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
