"""Question answering: the piece of the context that answers the question, or none as in SQuAD 2 (lesson 11)."""

import dataclasses
import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedQuestionWindows, Span
from convbert_edu.data.examples import QuestionExample, Splits
from convbert_edu.finetuning.tasks.base import Task, needed
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.heads import ConvBertForQuestionAnswering
from convbert_edu.models.outputs import QuestionAnsweringOutput
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.settings import setting

# Of one row: the scores of each token as first, and as last token of the answer.
Scores = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """A possible answer: the sum of its two scores, and where it stands in the context."""

    score: float
    span: Span


@dataclass(frozen=True)
class QuestionAnswering(Task):
    """Where an answer begins and ends."""

    name: ClassVar[str] = "question-answering"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForQuestionAnswering
    pipeline_tag: ClassVar[str | None] = "question-answering"
    paper_settings: ClassVar[dict[str, Any]] = {"epochs": 2}
    default_max_length: ClassVar[int] = 512

    stride: int | None = setting(
        None, "tokens that a window shares with the one before; None: a quarter of its length"
    )
    n_best_size: int = setting(20, "first and last tokens that are paired in each window")
    max_answer_length: int = setting(30, "tokens of an answer at most")
    may_be_unanswerable: bool | None = setting(
        None, "whether a question may have no answer; None: if the training split has such"
    )
    null_score_diff_threshold: float = setting(0.0, 'how far "no answer" must be above the best answer')
    no_answer_window_ratio: float = setting(1.0, "share of the windows without an answer that training reads")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("stride", 0), ("n_best_size", 1), ("max_answer_length", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}; it must be at least {least}")
        if not 0 <= self.no_answer_window_ratio <= 1:
            raise ValueError(
                f"no_answer_window_ratio is {self.no_answer_window_ratio}; it is a share, from 0 to 1"
            )

    def fitted_to(self, splits: Splits) -> Self:
        """Return the task with `may_be_unanswerable` settled."""
        if self.may_be_unanswerable is not None:
            return self
        return dataclasses.replace(self, may_be_unanswerable=any(not e.answers for e in splits.train))

    def metric_for_best_model(self, splits: Splits) -> str:
        """F1 of shared words."""
        return "f1"

    def config_fields(self, splits: Splits) -> dict[str, Any]:
        """The head needs nothing to be said."""
        return {}

    def encode(
        self,
        examples: Sequence[QuestionExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedQuestionWindows:
        """Cut contexts into windows; a window without the answer teaches to point at [CLS]."""
        stride = max_length // 4 if self.stride is None else self.stride
        return encode_windows(examples, tokenizer, max_length, stride)

    def for_training(self, rows: EncodedQuestionWindows) -> EncodedQuestionWindows:
        """Return all windows with the answer, and a share of those without it."""
        return rows.with_no_answer_ratio(self.no_answer_window_ratio)

    def postprocess(self, output: QuestionAnsweringOutput, batch: dict[str, Tensor]) -> list[Scores]:
        """Return each row's scores, without those of the padding."""
        lengths = batch["attention_mask"].sum(dim=1).tolist()
        rows = zip(output.start_logits, output.end_logits, lengths, strict=True)
        return [(first[:length].numpy(), last[:length].numpy()) for first, last, length in rows]

    def metrics(
        self,
        results: list[Scores],
        encoded: EncodedQuestionWindows,
        examples: Sequence[QuestionExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return exact match and F1 by SQuAD's rules: of all questions, and of each kind where there are several."""
        predictions = self.predictions(results, encoded, examples, config)
        by_kind: dict[str, list[tuple[float, float]]] = {"": []}
        for example, prediction in zip(examples, predictions, strict=True):
            scores = best_scores(prediction["answer"], [right.text for right in example.answers])
            kind = example.kind
            if not kind and self.may_be_unanswerable:
                kind = "answerable" if example.answers else "none"
            for each in {"", kind}:
                by_kind.setdefault(each, []).append(scores)
        measured = {}
        for kind, scores in sorted(by_kind.items()):
            for name, values in zip(("exact_match", "f1"), zip(*scores, strict=True), strict=True):
                measured[f"{name}_{kind}" if kind else name] = sum(values) / len(values)
        return measured

    def predictions(
        self,
        results: list[Scores],
        encoded: EncodedQuestionWindows,
        examples: Sequence[QuestionExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each question the best answer of all windows, empty for none, and the next ones."""
        candidates: list[list[Candidate]] = [[] for _ in examples]
        null_scores = [float("inf")] * len(examples)
        for number, spans, (first, last) in zip(encoded.example_of_row, encoded.spans, results, strict=True):
            candidates[number] += self.candidates_in(first, last, spans)
            # "No answer" must hold in every window: the lowest score counts.
            null_scores[number] = min(null_scores[number], float(first[0] + last[0]))
        return [
            self._prediction(example, sorted(found, key=lambda candidate: -candidate.score), score)
            for example, found, score in zip(examples, candidates, null_scores, strict=True)
        ]

    def candidates_in(
        self, first: np.ndarray, last: np.ndarray, spans: Sequence[Span | None]
    ) -> list[Candidate]:
        """Pair the likeliest first and last tokens of a window, where they can make an answer."""
        tops = [np.argsort(-scores, kind="stable")[: self.n_best_size].tolist() for scores in (first, last)]
        return [
            Candidate(float(first[start] + last[end]), (spans[start][0], spans[end][1]))
            for start in tops[0]
            for end in tops[1]
            if spans[start] and spans[end] and start <= end < start + self.max_answer_length
        ]

    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> QuestionExample:
        """Read the fields `question`, `context` and, if it is there, `id`."""
        question, context = (needed(fields, name, str) for name in ("question", "context"))
        return QuestionExample(str(fields.get("id", "")), question, context, ())

    def _prediction(
        self, example: QuestionExample, candidates: list[Candidate], null_score: float
    ) -> dict[str, Any]:
        """Return the best of some candidates, or no answer where its score is far enough above the best one."""
        best = candidates[0] if candidates else None
        if self.may_be_unanswerable and best is not None:
            best = None if null_score - best.score > self.null_score_diff_threshold else best
        n_best = [
            {"text": example.context[slice(*each.span)], "start": each.span[0], "score": each.score}
            for each in candidates[:5]
        ]
        return {
            "id": example.id,
            "question": example.question,
            "answer": example.context[slice(*best.span)] if best else "",
            "start": best.span[0] if best else None,
            "n_best": n_best,
            "null_score": null_score,
        }


# Questions with long contexts as rows: windows over the context that overlap, and the way back to its characters.
# The rows themselves are `EncodedQuestionWindows` in data/batching.py.
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


# How well an answer meets the right ones, by the published rules of SQuAD: exact match, and F1 of words.
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def plain_words(text: str) -> list[str]:
    """Return the words that count: in small letters, without punctuation, without the articles a, an and the."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def exact_match(answer: str, right: str) -> float:
    """Return 1 where both consist of the same words, else 0."""
    return float(plain_words(answer) == plain_words(right))


def word_f1(answer: str, right: str) -> float:
    """Return the harmonic mean of precision and recall of the words; of two empty answers it is 1."""
    ours, theirs = plain_words(answer), plain_words(right)
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def best_scores(answer: str, right: Sequence[str]) -> tuple[float, float]:
    """Return (exact match, F1) beside the right answer that fits best; without any, the empty answer is right.

    An answer of articles and punctuation alone does not count as one.
    """
    counting = [text for text in right if plain_words(text)] or [""]
    exact, f1 = ([score(answer, text) for text in counting] for score in (exact_match, word_f1))
    return max(exact), max(f1)
