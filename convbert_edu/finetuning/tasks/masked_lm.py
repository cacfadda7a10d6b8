"""Masked language modelling on a new kind of text: predict the masked tokens (lesson 13).

For training other tokens are masked in each epoch; at work the reader writes [MASK] into the text.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedFillMask, EncodedMaskedTexts, EncodedRows, MaskRows
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.data.formats.common import BadRows
from convbert_edu.finetuning.tasks.base import Task, needed
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.models.heads import ConvBertForMaskedLM
from convbert_edu.models.outputs import MaskedLMOutput
from convbert_edu.pretraining.masking import Masking
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.random_numbers import Stream, random_bits
from convbert_edu.training.settings import setting

# Tokens that are named for each masked position.
TOP_K = 5


@dataclass(frozen=True)
class MaskedTokenPrediction:
    """What a model predicts at one masked position: the loss of the target, and the top tokens with their probs."""

    loss: float
    is_correct: bool
    top_ids: list[int]
    top_probs: list[float]


@dataclass(frozen=True)
class MaskedLM(Task):
    """Texts without labels (the labels of TextExample are not looked at)."""

    name: ClassVar[str] = "masked-lm"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForMaskedLM
    pipeline_tag: ClassVar[str | None] = "fill-mask"

    mask_probability: float = setting(0.15, "share of the tokens that are masked")
    mask_share: float = setting(0.85, "share of the masked tokens that become [MASK]; the others stay")
    whole_word_masking: bool = setting(False, "mask all pieces of a word together")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mask_probability", "mask_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, above 0 and up to 1")

    def metric_for_best_model(self, splits: Splits) -> str:
        """The loss on masked tokens."""
        return "-loss"

    def config_fields(self, splits: Splits) -> dict[str, Any]:
        """The head needs nothing to be said."""
        return {}

    def encode(
        self,
        examples: Sequence[TextExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedMaskedTexts:
        """Tokenise texts; a long one goes on in the next row.

        Rows without any word of the vocabulary are left out, with one warning that counts them and names the first.
        """
        masking = Masking(tokenizer, self.mask_probability, self.mask_share, self.whole_word_masking)
        batch = tokenizer(
            [e.text for e in examples], truncation=True, max_length=max_length, return_overflowing_tokens=True
        )
        example_of_row = batch["overflow_to_sample_mapping"]
        kept, wordless = [], BadRows()
        for row, ids in enumerate(batch["input_ids"]):
            if masking.maskable(np.array([ids])).any():
                kept.append(row)
            else:
                number = example_of_row[row]
                wordless.add(f"text {number} ({shorten(examples[number].text, 40)!r})")
        if not kept:
            raise ValueError(
                f"{len(examples)} texts hold no word of the vocabulary; there is nothing to mask in them"
            )
        if wordless.count:
            warnings.warn(f"nothing can be masked without a word of the vocabulary: {wordless}", stacklevel=2)
        return EncodedMaskedTexts(
            input_ids=[batch["input_ids"][row] for row in kept],
            token_type_ids=[batch["token_type_ids"][row] for row in kept],
            pad_token_id=tokenizer.pad_token_id,
            mask_rows=_masked_in_each_epoch(masking),
            example_of_row=[example_of_row[row] for row in kept],
        )

    def encode_inputs(
        self,
        examples: Sequence[TextExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedFillMask:
        """Tokenise texts in which [MASK] stands already."""
        encoded = tokenizer([e.text for e in examples], truncation=True, max_length=max_length)
        ids = encoded["input_ids"]
        mask = tokenizer.mask_token_id
        if not all(mask in row for row in ids):
            text = next(e.text for e, row in zip(examples, ids, strict=True) if mask not in row)
            raise ValueError(
                f"the text {shorten(text, 40)!r} has no {tokenizer.mask_token} among its first {max_length} tokens; "
                f"write {tokenizer.mask_token} where a token is to be predicted"
            )
        labels = [[token if token == mask else IGNORE_INDEX for token in row] for row in ids]
        return EncodedFillMask(
            input_ids=ids,
            token_type_ids=[[0] * len(row) for row in ids],
            cut=sum(encoded.is_cut()),
            pad_token_id=tokenizer.pad_token_id,
            labels=labels,
            example_of_row=list(range(len(ids))),
            tokenizer=tokenizer,
        )

    def postprocess(
        self, output: MaskedLMOutput, batch: dict[str, Tensor]
    ) -> list[list[MaskedTokenPrediction]]:
        """Return what the model predicts at each masked position, row by row.

        output: with the scores at `masked_positions` alone
        """
        counts = (batch["labels"] != IGNORE_INDEX).sum(dim=1).tolist()
        targets_of_all = batch["labels"].flatten()[batch["masked_positions"]]
        rows = []
        for logits, targets in zip(output.logits.split(counts), targets_of_all.split(counts), strict=True):
            log_probs = logits.log_softmax(dim=-1)
            top = log_probs.topk(TOP_K)
            columns = zip(log_probs, targets, top.indices, top.values, strict=True)
            rows.append(
                [
                    MaskedTokenPrediction(
                        loss=-log_prob[target].item(),
                        is_correct=bool(ids[0] == target),
                        top_ids=ids.tolist(),
                        top_probs=values.exp().tolist(),
                    )
                    for log_prob, target, ids, values in columns
                ]
            )
        return rows

    def metrics(
        self,
        results: list[list[MaskedTokenPrediction]],
        encoded: EncodedRows,
        examples: Sequence[TextExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return mean loss, perplexity (its exponential) and the share of masked tokens that are predicted."""
        predictions = [prediction for row in results for prediction in row]
        loss = sum(prediction.loss for prediction in predictions) / len(predictions)
        accuracy = sum(prediction.is_correct for prediction in predictions) / len(predictions)
        return {"loss": loss, "perplexity": math.exp(min(loss, 100.0)), "accuracy": accuracy}

    def predictions(
        self,
        results: list[list[MaskedTokenPrediction]],
        encoded: EncodedFillMask,
        examples: Sequence[TextExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each [MASK] of each text the top tokens with their probabilities."""
        tokens = encoded.tokenizer.convert_ids_to_tokens
        return [
            {
                "text": example.text,
                "predictions": [dict(zip(tokens(at.top_ids), at.top_probs, strict=True)) for at in positions],
            }
            for example, positions in zip(examples, results, strict=True)
        ]

    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> TextExample:
        """Read the field `text`."""
        return TextExample(needed(fields, "text", str), 0)


def _masked_in_each_epoch(masking: Masking) -> MaskRows:
    """Return a function that masks rows; which tokens follows from the number of the row and the epoch alone."""

    def mask_rows(ids: np.ndarray, rows: Sequence[int], epoch: int) -> tuple[np.ndarray, np.ndarray]:
        keys = random_bits(Stream.FINETUNING_MASKING, epoch, np.array(rows))
        masked_ids, is_masked, _ = masking.mask_tokens(ids, keys)
        return masked_ids, is_masked

    return mask_rows
