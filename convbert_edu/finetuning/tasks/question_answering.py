"""Question answering: the piece of the context that answers the question, or none (as in SQuAD 2)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.examples import QuestionExample, Splits
from convbert_edu.finetuning.tasks.base import Task, needed
from convbert_edu.finetuning.tasks.question_windows import EncodedWindows, Span, encode_windows
from convbert_edu.finetuning.tasks.squad_metrics import best_scores
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.heads import ConvBertForQuestionAnswering
from convbert_edu.models.outputs import QuestionAnsweringOutput
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.settings import setting

Scores = tuple[np.ndarray, np.ndarray]  # of one row: each token as first, and as last token of the answer


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
    paper_settings: ClassVar[dict[str, Any]] = {"epochs": 2}
    longest: ClassVar[int] = 512

    stride: int | None = setting(
        None, "tokens that a window shares with the one before; None: a quarter of its length"
    )
    n_best_size: int = setting(20, "first and last tokens that are paired in each window")
    max_answer_length: int = setting(30, "tokens of an answer at most")
    may_be_unanswerable: bool | None = setting(
        None, "whether a question may have no answer; None: if the training part has such"
    )
    null_score_diff_threshold: float = setting(0.0, 'how far "no answer" must be above the best answer')
    no_answer_window_ratio: float = setting(
        1.0, "share of the windows without the answer that training reads"
    )

    def __post_init__(self) -> None:
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
    ) -> EncodedWindows:
        """Cut contexts into windows; a window without the answer teaches to point at [CLS]."""
        stride = max_length // 4 if self.stride is None else self.stride
        return encode_windows(examples, tokenizer, max_length, stride)

    def for_training(self, rows: EncodedWindows) -> EncodedWindows:
        """Return all windows with the answer, and a share of those without it."""
        return rows.with_fewer_empty(self.no_answer_window_ratio)

    def postprocess(self, output: QuestionAnsweringOutput, batch: dict[str, Tensor]) -> list[Scores]:
        """Return each row's scores, without those of the padding."""
        lengths = batch["attention_mask"].sum(dim=1).tolist()
        rows = zip(output.start_logits, output.end_logits, lengths, strict=True)
        return [(first[:length].numpy(), last[:length].numpy()) for first, last, length in rows]

    def metrics(
        self,
        results: list[Scores],
        encoded: EncodedWindows,
        examples: Sequence[QuestionExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return exact match and F1 by SQuAD's rules: of all questions, and of each kind where there are several."""
        answers = self.answers(results, encoded, examples, config)
        by_kind: dict[str, list[tuple[float, float]]] = {"": []}
        for example, answer in zip(examples, answers, strict=True):
            scores = best_scores(answer["answer"], [right.text for right in example.answers])
            kind = example.kind or (
                "" if not self.may_be_unanswerable else "answerable" if example.answers else "none"
            )
            for each in {"", kind}:
                by_kind.setdefault(each, []).append(scores)
        measured = {}
        for kind, scores in sorted(by_kind.items()):
            for name, values in zip(("exact_match", "f1"), zip(*scores, strict=True), strict=True):
                measured[f"{name}_{kind}" if kind else name] = sum(values) / len(values)
        return measured

    def answers(
        self,
        results: list[Scores],
        encoded: EncodedWindows,
        examples: Sequence[QuestionExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each question the best answer of all windows, empty for none, and the next ones."""
        found: list[list[Candidate]] = [[] for _ in examples]
        none_score = [float("inf")] * len(examples)
        for number, spans, (first, last) in zip(encoded.example_of_row, encoded.spans, results, strict=True):
            found[number] += self.candidates_in(first, last, spans)
            # "No answer" must hold in every window: the least sure one counts.
            none_score[number] = min(none_score[number], float(first[0] + last[0]))
        return [
            self._answer(example, sorted(n_best_size, key=lambda c: -c.score), none)
            for example, n_best_size, none in zip(examples, found, none_score, strict=True)
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

    def _answer(
        self, example: QuestionExample, n_best_size: list[Candidate], none_score: float
    ) -> dict[str, Any]:
        best = n_best_size[0] if n_best_size else None
        if self.may_be_unanswerable and (
            best is None or none_score - best.score > self.null_score_diff_threshold
        ):
            best = None
        texts = [
            {"text": example.context[slice(*c.span)], "start": c.span[0], "score": c.score}
            for c in n_best_size[:5]
        ]
        return {
            "id": example.id,
            "question": example.question,
            "answer": example.context[slice(*best.span)] if best else "",
            "start": best.span[0] if best else None,
            "n_best_size": texts,
            "none_score": none_score,
        }
