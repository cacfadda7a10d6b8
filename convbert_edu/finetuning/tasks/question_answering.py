"""Question answering: the piece of the context that answers the question, or none as in SQuAD 2 (lesson 11)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedQuestionWindows, Span
from convbert_edu.data.examples import QuestionExample, Splits
from convbert_edu.finetuning.tasks.base import Task, needed
from convbert_edu.finetuning.tasks.question_windows import encode_windows
from convbert_edu.finetuning.tasks.squad_metrics import best_scores
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
