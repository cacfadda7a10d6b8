"""Token classification: a label for each word, such as "a person's name begins here" (lesson 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedTokens
from convbert_edu.data.examples import Splits, TokenExample
from convbert_edu.finetuning.tasks.base import Task, check_label, needed, needed_texts
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.models.heads import ConvBertForTokenClassification
from convbert_edu.models.outputs import TokenClassifierOutput
from convbert_edu.tokenizer import ConvBertTokenizer

# Token ids, and a label for each.
Row = tuple[list[int], list[int]]


@dataclass(frozen=True)
class TokenClassification(Task):
    """Labels of words. The first piece of a word carries its label; the other pieces take no part."""

    name: ClassVar[str] = "token-classification"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForTokenClassification
    pipeline_tag: ClassVar[str | None] = "token-classification"

    def metric_for_best_model(self, splits: Splits) -> str:
        """F1 of whole entities where the labels mark entities; else the share of words with the right label."""
        return "entity_f1" if _mark_entities(splits.label_names) else "accuracy"

    def config_fields(self, splits: Splits) -> dict[str, Any]:
        """Return the names of the labels."""
        if len(splits.label_names) < 2:
            raise ValueError(
                f"the labels of the data are {list(splits.label_names)}; there must be at least two to choose between: "
                "is it the right column (--read column=...)?"
            )
        return {"id2label": dict(enumerate(splits.label_names))}

    def encode(
        self,
        examples: Sequence[TokenExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedTokens:
        """Tokenise words. A text that is longer than a row goes on in the next one: every word is labelled."""
        for number, example in enumerate(examples):
            _check(f"example {number}", example, config)
        rows, example_of_row = [], []
        texts = [list(example.words) for example in examples]
        encoded = tokenizer(texts, is_split_into_words=True, add_special_tokens=False)
        for number, example in enumerate(examples):
            pieces: list[list[int]] = [[] for _ in example.words]
            for token, word in zip(encoded["input_ids"][number], encoded.word_ids(number), strict=True):
                pieces[word].append(token)
            for ids, labels in _rows(pieces, example.labels, tokenizer.unk_token_id, max_length - 2):
                edge = [IGNORE_INDEX]
                rows.append(([tokenizer.cls_token_id, *ids, tokenizer.sep_token_id], [*edge, *labels, *edge]))
                example_of_row.append(number)
        return EncodedTokens(
            input_ids=[ids for ids, _ in rows],
            token_type_ids=[[0] * len(ids) for ids, _ in rows],
            pad_token_id=tokenizer.pad_token_id,
            labels=[labels for _, labels in rows],
            example_of_row=example_of_row,
        )

    def postprocess(self, output: TokenClassifierOutput, batch: dict[str, Tensor]) -> list[np.ndarray]:
        """Return for each row the scores of its words, [words, labels]."""
        first_pieces = batch["labels"] != IGNORE_INDEX
        return [scores[first].numpy() for scores, first in zip(output.logits, first_pieces, strict=True)]

    def metrics(
        self,
        results: list[np.ndarray],
        encoded: EncodedTokens,
        examples: Sequence[TokenExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return the share of words with the right label; for entities precision, recall and F1, too (seqeval)."""
        from seqeval.metrics import f1_score, precision_score, recall_score

        predicted = self._names(results, encoded, examples, config)
        targets = [[config.id2label[label] for label in example.labels] for example in examples]
        right = [a == b for pair in zip(targets, predicted, strict=True) for a, b in zip(*pair, strict=True)]
        measured = {"accuracy": sum(right) / len(right)}
        if _mark_entities(config.id2label.values()):
            scores = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
            for name, score in scores.items():
                measured[f"entity_{name}"] = float(score(targets, predicted, zero_division=0))
        return measured

    def predictions(
        self,
        results: list[np.ndarray],
        encoded: EncodedTokens,
        examples: Sequence[TokenExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each text its words with their labels, and the entities that these mark."""
        from seqeval.metrics.sequence_labeling import get_entities

        predictions = []
        for example, names in zip(examples, self._names(results, encoded, examples, config), strict=True):
            prediction: dict[str, Any] = {"words": list(example.words), "labels": names}
            if _mark_entities(config.id2label.values()):
                prediction["entities"] = [
                    {"kind": kind, "text": " ".join(example.words[first : last + 1]), "first_word": first}
                    for kind, first, last in get_entities(names)
                ]
            predictions.append(prediction)
        return predictions

    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> TokenExample:
        """Read the field `words`, a list; or `text`, which is divided at its spaces."""
        words = needed_texts(fields, "words") if "words" in fields else needed(fields, "text", str).split()
        if not words:
            raise ValueError("the text is empty; give at least one word")
        return TokenExample(tuple(words), (0,) * len(words))

    def _names(
        self,
        results: list[np.ndarray],
        encoded: EncodedTokens,
        examples: Sequence[TokenExample],
        config: ConvBertConfig,
    ) -> list[list[str]]:
        """Return the name of the likeliest label of each word of each example."""
        names: list[list[str]] = [[] for _ in examples]
        for number, scores in zip(encoded.example_of_row, results, strict=True):
            names[number] += [config.id2label[int(label)] for label in scores.argmax(axis=1)]
        return names


def _rows(pieces: list[list[int]], labels: Sequence[int], unknown: int, room: int) -> list[Row]:
    """Divide the pieces of words into rows of at most `room` tokens, between words."""
    rows: list[Row] = [([], [])]
    for word, label in zip(pieces, labels, strict=True):
        # A word of invisible characters alone has no pieces.
        word = (word or [unknown])[:room]
        if len(rows[-1][0]) + len(word) > room:
            rows.append(([], []))
        rows[-1][0].extend(word)
        rows[-1][1].extend([label, *[IGNORE_INDEX] * (len(word) - 1)])
    return rows


def _mark_entities(label_names: Any) -> bool:
    return any(name.startswith(("B-", "I-")) for name in label_names)


def _check(where: str, example: TokenExample, config: ConvBertConfig) -> None:
    if not example.words or len(example.words) != len(example.labels):
        raise ValueError(
            f"{where} has {len(example.words)} words and {len(example.labels)} labels; give at least one word, and a "
            "label for each"
        )
    for label in example.labels:
        check_label(where, label, config)
