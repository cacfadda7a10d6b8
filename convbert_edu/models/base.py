"""What all models share: first weights, loading and saving."""

import dataclasses
import os
import warnings
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.checkpoints.loading import LoadingReport, load_weights, vocabulary_size
from convbert_edu.checkpoints.saving import save_weights_file
from convbert_edu.checkpoints.weight_files import (
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    find_weights,
    open_weights,
)
from convbert_edu.config import ConvBertConfig
from convbert_edu.config_checks import check_config
from convbert_edu.files import file_inside
from convbert_edu.models.initialisation import init_empty_weights, init_missing_weights, init_weights


class PretrainedModel(nn.Module):
    """A ConvBERT model with its configuration, that can be loaded from a folder and saved to one.

    `loading_report` says what became of every tensor of the folder; it is None for a model made from scratch.
    """

    loading_report: LoadingReport | None = None

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        check_config(config)  # again: fields may have been changed since it was made
        self.config = config

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike,
        revision: str | None = None,
        ignore_mismatched_sizes: bool = False,
        **config_overrides: Any,
    ) -> Self:
        """Load configuration and weights; the model is in eval mode.

        name_or_path: a local folder, saved here or by transformers; the name of a bundled model; or OWNER/NAME of a
            repository on the hub, at `revision` (a branch, tag or commit)
        ignore_mismatched_sizes: start tensors of another shape from random numbers instead of refusing them
        config_overrides: replace fields of the configuration; with `num_labels` or `id2label` a classification head
            of another size is replaced by a new one
        Raises FileNotFoundError for a missing folder or file, ValueError for weights that do not fit, and for the hub
        what `fetch_folder` raises.
        """
        folder = resolve_folder(name_or_path, "weights", revision)
        path = find_weights(folder)
        config = ConvBertConfig.from_pretrained(folder, **config_overrides)
        with open_weights(path) as weights:
            words = vocabulary_size(weights)
            stated, config = config, _with_words(config, words, "vocab_size" in config_overrides)
            with init_empty_weights():  # each parameter gets it when its tensor is read
                model = cls(config)
            model.loading_report = load_weights(
                model,
                weights,
                source=str(Path(name_or_path, path.name)),
                new_head=bool(config_overrides.keys() & {"num_labels", "id2label"}),
                ignore_mismatched_sizes=ignore_mismatched_sizes,
            )
        if config is not stated:
            model.loading_report.resized["vocab_size"] = f"{words}; config.json says {stated.vocab_size}"
        model.tie_weights()
        init_missing_weights(model, config.initializer_range)
        model.tie_weights()
        _check_vocabulary(folder, config.vocab_size)
        return model.eval()

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write config.json and model.safetensors, in transformers' names; each file appears whole or not at all."""
        folder = Path(folder)
        save_weights_file(self, folder / WEIGHTS_FILE)
        # What an older file said about its weights no longer holds; transformers loads in the precision named here.
        facts = {"architectures": [type(self).__name__], "dtype": str(self.dtype).removeprefix("torch.")}
        others = {name: value for name, value in self.config.extra.items() if name != "torch_dtype"}
        dataclasses.replace(self.config, extra=others | facts).save_pretrained(folder)

    def num_parameters(self) -> int:
        """Return the number of trainable numbers; a tied weight counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def device(self) -> torch.device:
        """The device that the parameters are on."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the parameters have."""
        return next(self.parameters()).dtype

    def tie_weights(self) -> None:
        """Make parameters that a model uses in two places one; most models have none."""

    def init_weights(self) -> None:
        """Draw first weights: normal with std initializer_range, biases 0, LayerNorm 1 and 0.

        The depthwise filters of the span-aware key keep their own, wider start (see SpanAwareKey).
        """
        init_weights(self, self.config.initializer_range)


def _with_words(config: ConvBertConfig, words: int | None, asked_for: bool) -> ConvBertConfig:
    """Return the configuration with as many words as the file's word table has, unless the caller named a number."""
    if words in (None, config.vocab_size) or asked_for:
        return config
    warnings.warn(
        f"config.json says vocab_size {config.vocab_size}, but the word table has {words} rows: {words} is used",
        stacklevel=3,
    )
    return dataclasses.replace(config, vocab_size=words)


def _check_vocabulary(folder: Path, words: int) -> None:
    """Warn where the vocabulary beside the weights has more tokens than the word table has rows."""
    path = file_inside(folder, VOCABULARY_FILE)
    tokens = path.read_bytes().rstrip().count(b"\n") + 1 if path.is_file() else 0
    if tokens > words:
        warnings.warn(
            f"{VOCABULARY_FILE} has {tokens} tokens, but the model's word table has {words} rows: it cannot read the "
            f"tokens from number {words} on; use the vocabulary that the model was trained with",
            stacklevel=3,
        )
