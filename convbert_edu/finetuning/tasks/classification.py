"""Classification of a text or a pair: one class, several classes at once, or a value (lesson 09).

A text that is longer than a row is read in windows, one after the other, and their scores are averaged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedRows, EncodedTextWindows, encode_rows
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.finetuning.tasks.base import Task, check_label, names_of, needed
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.heads import ConvBertForSequenceClassification
from convbert_edu.models.outputs import SequenceClassifierOutput
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.settings import setting

SINGLE_LABEL = "single_label_classification"
MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"
METRIC_FOR_BEST_MODEL = {SINGLE_LABEL: "accuracy", MULTI_LABEL: "micro_f1", REGRESSION: "spearman"}


@dataclass(frozen=True)
class Classification(Task):
    """Sequence classification. What it is (one class, several, a value) follows from the labels of the examples."""

    name: ClassVar[str] = "classification"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForSequenceClassification
    pipeline_tag: ClassVar[str | None] = "text-classification"

    threshold: float = setting(
        0.5, "probability above which a class is predicted, where several may hold at once"
    )
    windows: int = setting(
        1, "rows in which a long text is read, one after the other; their mean score counts"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.windows < 1:
            raise ValueError(f"windows is {self.windows}; a text is read in at least 1")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}; it must be a probability, between 0 and 1")

    def metric_for_best_model(self, splits: Splits) -> str:
        """Accuracy; micro-F1 where several classes hold at once; Spearman's correlation for values."""
        return METRIC_FOR_BEST_MODEL[problem_of(splits.train[0].label)]

    def config_fields(self, splits: Splits) -> dict[str, Any]:
        """Return the kind of problem and the names of the labels."""
        problem = problem_of(splits.train[0].label)
        if problem == REGRESSION:
            return {"problem_type": problem, "num_labels": 1}
        if len(splits.label_names) < 1 + (problem == SINGLE_LABEL):
            raise ValueError(
                f"the labels of the data are {list(splits.label_names)}; there must be at least two classes to choose "
                "between, or one where several may hold at once. Add examples of another class, or name the classes "
                'that the data lacks, too (label_names, --read \'label_names=["no", "yes"]\')'
            )
        return {"problem_type": problem, "id2label": dict(enumerate(splits.label_names))}

    def encode(
        self,
        examples: Sequence[TextExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedTextWindows:
        """Tokenise texts and pairs; what is longer than `max_length`, or all `windows` of that length, is cut.

        Raises ValueError for a label that does not fit the head, and for pairs that are to be read in windows.
        """
        problem = problem_of_head(config)
        for number, example in enumerate(examples):
            _check(f"example {number}", example, problem, config)
        texts, pairs = [e.text for e in examples], [e.text_pair or "" for e in examples]
        labels = [e.label if problem == SINGLE_LABEL else np.float32(e.label).tolist() for e in examples]
        if any(pairs) and self.windows > 1:
            raise ValueError(
                f"windows is {self.windows}, but the examples are pairs of texts; pairs are read in one row: leave "
                "windows out, or join the two texts"
            )
        specials = tokenizer.num_special_tokens_to_add(False)
        most = self.windows * (max_length - specials) + specials
        rows = encode_rows(tokenizer, texts, most, pairs if any(pairs) else None)
        return in_windows(rows, labels, max_length)

    def postprocess(self, output: SequenceClassifierOutput, batch: dict[str, Tensor]) -> list[np.ndarray]:
        """Return each row's scores."""
        return list(output.logits.numpy())

    def metrics(
        self,
        results: list[np.ndarray],
        encoded: EncodedTextWindows,
        examples: Sequence[TextExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return accuracy and macro-F1; micro- and macro-F1; or Pearson's and Spearman's correlation.

        A correlation is 0 where there is none: of a single example, or where all values are the same.
        """
        from scipy.stats import pearsonr, spearmanr
        from sklearn.metrics import accuracy_score, f1_score

        targets = np.array([example.label for example in examples])
        scores = mean_scores(results, encoded.example_of_row)
        problem = problem_of_head(config)
        if problem == REGRESSION and len(targets) < 2:
            return {"pearson": 0.0, "spearman": 0.0}
        if problem == REGRESSION:
            return {
                name: float(np.nan_to_num(correlation(scores[:, 0], targets).statistic))
                for name, correlation in (("pearson", pearsonr), ("spearman", spearmanr))
            }
        if problem == MULTI_LABEL:
            predicted = torch.from_numpy(scores).sigmoid().numpy() > self.threshold
            return {
                f"{name}_f1": float(f1_score(targets, predicted, average=name, zero_division=0.0))
                for name in ("micro", "macro")
            }
        predicted = scores.argmax(axis=1)
        return {
            "accuracy": float(accuracy_score(targets, predicted)),
            "macro_f1": float(f1_score(targets, predicted, average="macro", zero_division=0.0)),
        }

    def predictions(
        self,
        results: list[np.ndarray],
        encoded: EncodedTextWindows,
        examples: Sequence[TextExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each text its label, or labels, with all probabilities; or its value."""
        problem, names = problem_of_head(config), list(config.id2label.values())
        return [
            {"text": example.text, **({"text_pair": example.text_pair} if example.text_pair else {})}
            | _prediction(torch.from_numpy(scores), problem, names, self.threshold)
            for example, scores in zip(examples, mean_scores(results, encoded.example_of_row), strict=True)
        ]

    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> TextExample:
        """Read the fields `text` and, for a pair, `text_pair`."""
        blanks = {SINGLE_LABEL: 0, MULTI_LABEL: (0,) * config.num_labels, REGRESSION: 0.0}
        pair = needed(fields, "text_pair", str) if "text_pair" in fields else None
        return TextExample(needed(fields, "text", str), blanks[problem_of_head(config)], pair)


def problem_of(label: int | float | tuple[int, ...]) -> str:
    """Return the kind of problem that a label belongs to."""
    if isinstance(label, tuple):
        return MULTI_LABEL
    return REGRESSION if isinstance(label, float) else SINGLE_LABEL


def problem_of_head(config: ConvBertConfig) -> str:
    """Return the kind of problem that a head is for; where the configuration does not say, its size does."""
    return config.problem_type or (REGRESSION if config.num_labels == 1 else SINGLE_LABEL)


def _check(where: str, example: TextExample, problem: str, config: ConvBertConfig) -> None:
    """Raise ValueError, naming the example, for a label that does not fit the head."""
    kinds = {SINGLE_LABEL: "a class number", MULTI_LABEL: "a tuple of 0 and 1", REGRESSION: "a float"}
    if problem_of(example.label) != problem:
        raise ValueError(f"{where} has the label {example.label!r}; the head learns from {kinds[problem]}")
    if problem == SINGLE_LABEL:
        check_label(where, example.label, config)
    if problem == MULTI_LABEL and len(example.label) != config.num_labels:
        raise ValueError(
            f"{where} has {len(example.label)} labels, but the head has {config.num_labels} ({names_of(config)}); "
            "give a 0 or a 1 for each of them"
        )


def _prediction(scores: Tensor, problem: str, names: list[str], threshold: float) -> dict[str, Any]:
    if problem == REGRESSION:
        return {"value": scores.item()}
    probs = scores.softmax(dim=0) if problem == SINGLE_LABEL else scores.sigmoid()
    by_name = dict(zip(names, probs.tolist(), strict=True))
    if problem == SINGLE_LABEL:
        return {"label": names[int(scores.argmax())], "probabilities": by_name}
    return {"labels": [name for name, prob in by_name.items() if prob > threshold], "probabilities": by_name}


# Windows over a long text.


def in_windows(
    rows: EncodedRows, labels: Sequence[int] | Sequence[float] | Sequence[Sequence[float]], max_length: int
) -> EncodedTextWindows:
    """Divide rows [CLS] text [SEP] of more than `max_length` tokens into windows of (nearly) equal length.

    Equal, because the rest of a text that just misses fitting would be a window of a word or two, which says nothing.
    """
    input_ids, token_type_ids, example_of_row = [], [], []
    for number, (ids, types) in enumerate(zip(rows.input_ids, rows.token_type_ids, strict=True)):
        for start, end in _bounds(len(ids) - 2, max_length - 2):
            input_ids.append([ids[0], *ids[1 + start : 1 + end], ids[-1]])
            token_type_ids.append([types[0], *types[1 + start : 1 + end], types[-1]])
            example_of_row.append(number)
    return EncodedTextWindows(
        input_ids=input_ids,
        token_type_ids=token_type_ids,
        pad_token_id=rows.pad_token_id,
        cut=rows.cut,
        labels=torch.tensor([labels[number] for number in example_of_row]),
        example_of_row=example_of_row,
    )


def mean_scores(results: Sequence[np.ndarray], example_of_row: Sequence[int]) -> np.ndarray:
    """Return the scores of each text, [texts, scores]: the mean of those of its windows."""
    texts = np.array(example_of_row)
    sums = np.zeros((texts.max() + 1, len(results[0])), dtype=np.float32)
    np.add.at(sums, texts, np.stack(results))
    return sums / np.bincount(texts)[:, None].astype(np.float32)


def _bounds(length: int, room: int) -> list[tuple[int, int]]:
    """Return where the windows over `length` tokens begin and end, when `room` of them fit into one."""
    count = math.ceil(length / room) if length else 1
    edges = [length * number // count for number in range(count + 1)]
    return list(pairwise(edges))
