"""Multiple choice: which of several texts goes with a context (lesson 12)?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedChoices
from convbert_edu.data.examples import ChoiceExample, Splits
from convbert_edu.finetuning.tasks.base import Task, is_index, needed, needed_texts
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.heads import ConvBertForMultipleChoice
from convbert_edu.models.outputs import MultipleChoiceOutput
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.settings import setting


@dataclass(frozen=True)
class MultipleChoice(Task):
    """The model reads the context with each choice, and gives each reading one score."""

    name: ClassVar[str] = "multiple-choice"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForMultipleChoice

    summary: str = setting(
        "first", 'the token whose vector is scored: "first" is [CLS]; "last" as transformers does'
    )

    def metric_for_best_model(self, splits: Splits) -> str:
        """The share of right choices."""
        return "accuracy"

    def config_fields(self, splits: Splits) -> dict[str, Any]:
        """Return which token is scored."""
        return {"summary_type": self.summary}

    def encode(
        self,
        examples: Sequence[ChoiceExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedChoices:
        """Tokenise context and choice as a pair, for each choice; the longer of the two is cut first.

        Raises ValueError, naming the item, where the numbers of choices differ or the label is none of them.
        """
        count = len(examples[0].choices)
        for example in examples:
            _check(example, count)
        contexts = [example.context for example in examples for _ in example.choices]
        choices = [f"{e.question} {choice}".strip() for e in examples for choice in e.choices]
        encoded = tokenizer(contexts, choices, truncation=True, max_length=max_length)
        is_cut = encoded.is_cut()
        return EncodedChoices(
            input_ids=encoded["input_ids"],
            token_type_ids=encoded["token_type_ids"],
            pad_token_id=tokenizer.pad_token_id,
            cut=sum(any(is_cut[at : at + count]) for at in range(0, len(is_cut), count)),
            count=count,
            labels=torch.tensor([example.label for example in examples]),
        )

    def postprocess(self, output: MultipleChoiceOutput, batch: dict[str, Tensor]) -> list[np.ndarray]:
        """Return for each question the scores of its choices."""
        return list(output.logits.numpy())

    def metrics(
        self,
        results: list[np.ndarray],
        encoded: EncodedChoices,
        examples: Sequence[ChoiceExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return the share of right choices."""
        return {"accuracy": float(np.mean(np.stack(results).argmax(axis=1) == encoded.labels.numpy()))}

    def predictions(
        self,
        results: list[np.ndarray],
        encoded: EncodedChoices,
        examples: Sequence[ChoiceExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each question the number and text of the choice, and the probability of each."""
        predictions = []
        for example, scores in zip(examples, results, strict=True):
            choice = int(scores.argmax())
            probs = torch.from_numpy(scores).softmax(dim=0).tolist()
            prediction = {"id": example.id, "choice": choice, "text": example.choices[choice]}
            predictions.append({**prediction, "probabilities": probs})
        return predictions

    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> ChoiceExample:
        """Read the fields `context`, `choices` (a list) and, if they are there, `question` and `id`."""
        context, choices = needed(fields, "context", str), needed_texts(fields, "choices")
        return ChoiceExample(str(fields.get("id", "")), context, choices, 0, str(fields.get("question", "")))


def _check(example: ChoiceExample, count: int) -> None:
    if len(example.choices) != count or count < 2:
        raise ValueError(
            f"item {example.id!r} has {len(example.choices)} choices, the first item has {count}; give all items the "
            "same number, at least two"
        )
    if not is_index(example.label, count):
        raise ValueError(
            f"item {example.id!r} has the label {example.label!r}; with {count} choices it must be 0 to {count - 1}"
        )
