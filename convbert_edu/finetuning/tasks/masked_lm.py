"""Texts with hidden words: hidden anew in each epoch for training, or by the reader, who writes [MASK]."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedRows, EncodedTokens
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


@dataclass(frozen=True, kw_only=True)
class EncodedMaskedWords(EncodedRows):
    """Texts in which words are hidden when a batch is made: always the same ones in the same epoch."""

    masking: Masking
    example_of_row: list[int]

    def batch(self, rows: Sequence[int], width: int | None = None, epoch: int = 0) -> dict[str, Tensor]:
        """Return some rows with [MASK] put in, and as `labels` the hidden words (-100 elsewhere)."""
        batch = super().batch(rows, width, epoch)
        keys = random_bits(Stream.FINETUNING_MASKING, epoch, np.array(rows))
        masked, hidden, _ = self.masking.hide(batch["input_ids"].numpy(), keys)
        labels = batch["input_ids"].masked_fill(torch.from_numpy(~hidden), IGNORE_INDEX)
        return {**batch, "input_ids": torch.from_numpy(masked), "labels": labels}


@dataclass(frozen=True, kw_only=True)
class EncodedMasks(EncodedTokens):
    """Texts in which [MASK] stands already; `labels` mark these places."""

    tokenizer: ConvBertTokenizer


# Masked language modelling on a new kind of text: guess the hidden words, with other words hidden in each epoch.


GUESSES = 5  # words that are named for each hidden place


@dataclass(frozen=True)
class MaskedWord:
    """What a model says of one hidden place: the loss of the right word, and its best guesses with probabilities."""

    loss: float
    is_right: bool
    guesses: list[int]
    probabilities: list[float]


@dataclass(frozen=True)
class MaskedLM(Task):
    """Texts without labels (the labels of TextExample are not looked at)."""

    name: ClassVar[str] = "masked-lm"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForMaskedLM

    mask_probability: float = setting(0.15, "share of the words that are hidden")
    mask_share: float = setting(0.85, "share of the hidden words that become [MASK]; the others stay")
    whole_word_masking: bool = setting(False, "hide all pieces of a word together")

    def metric_for_best_model(self, splits: Splits) -> str:
        """The loss on hidden words."""
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
    ) -> EncodedMaskedWords:
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
            if masking.words(np.array([ids])).any():
                kept.append(row)
            else:
                number = example_of_row[row]
                wordless.add(f"text {number} ({shorten(examples[number].text, 40)!r})")
        if not kept:
            raise ValueError(
                f"{len(examples)} texts hold no word of the vocabulary; nothing can be hidden in them"
            )
        if wordless.count:
            warnings.warn(f"nothing can be hidden without a word of the vocabulary: {wordless}", stacklevel=2)
        return EncodedMaskedWords(
            input_ids=[batch["input_ids"][row] for row in kept],
            token_type_ids=[batch["token_type_ids"][row] for row in kept],
            pad_token_id=tokenizer.pad_token_id,
            masking=masking,
            example_of_row=[example_of_row[row] for row in kept],
        )

    def encode_inputs(
        self,
        examples: Sequence[TextExample],
        tokenizer: ConvBertTokenizer,
        max_length: int,
        config: ConvBertConfig,
    ) -> EncodedMasks:
        """Tokenise texts in which [MASK] stands already."""
        ids = tokenizer([e.text for e in examples], truncation=True, max_length=max_length)["input_ids"]
        mask = tokenizer.mask_token_id
        if not all(mask in row for row in ids):
            number = next(number for number, row in enumerate(ids) if mask not in row)
            raise ValueError(
                f"text {number} has no {tokenizer.mask_token} among its first {max_length} tokens; write "
                f"{tokenizer.mask_token} where a word is to be guessed"
            )
        labels = [[token if token == mask else IGNORE_INDEX for token in row] for row in ids]
        return EncodedMasks(
            input_ids=ids,
            token_type_ids=[[0] * len(row) for row in ids],
            pad_token_id=tokenizer.pad_token_id,
            labels=labels,
            example_of_row=list(range(len(ids))),
            tokenizer=tokenizer,
        )

    def postprocess(self, output: MaskedLMOutput, batch: dict[str, Tensor]) -> list[list[MaskedWord]]:
        """Return what the model says of each hidden place, row by row."""
        rows = []
        for logits, labels in zip(output.logits, batch["labels"], strict=True):
            positions = labels != IGNORE_INDEX
            log_probs, targets = logits[positions].log_softmax(dim=-1), labels[positions]
            best = log_probs.topk(GUESSES)
            rows.append(
                [
                    MaskedWord(
                        -row[right].item(),
                        bool(guesses[0] == right),
                        guesses.tolist(),
                        probs.exp().tolist(),
                    )
                    for row, right, guesses, probs in zip(
                        log_probs, targets, best.indices, best.values, strict=True
                    )
                ]
            )
        return rows

    def metrics(
        self,
        results: list[list[MaskedWord]],
        encoded: EncodedRows,
        examples: Sequence[TextExample],
        config: ConvBertConfig,
    ) -> dict[str, float]:
        """Return mean loss, perplexity (its exponential) and the share of hidden words that are guessed."""
        words = [word for row in results for word in row]
        loss = sum(word.loss for word in words) / len(words)
        right = sum(word.is_right for word in words) / len(words)
        return {"loss": loss, "perplexity": math.exp(min(loss, 100.0)), "accuracy": right}

    def answers(
        self,
        results: list[list[MaskedWord]],
        encoded: EncodedMasks,
        examples: Sequence[TextExample],
        config: ConvBertConfig,
    ) -> list[dict[str, Any]]:
        """Return for each [MASK] of each text the best guesses with their probabilities."""
        name = encoded.tokenizer.convert_ids_to_tokens
        return [
            {
                "text": example.text,
                "guesses": [dict(zip(name(word.guesses), word.probabilities, strict=True)) for word in words],
            }
            for example, words in zip(examples, results, strict=True)
        ]

    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> TextExample:
        """Read the field `text`."""
        return TextExample(needed(fields, "text", str), 0)
