"""What all models share: initialisation, loading and saving (lesson 06)."""

import dataclasses
import os
import warnings
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import nn

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.checkpoints.loading import LoadingReport, load_weights, save_weights_file, vocabulary_size
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
from convbert_edu.models.outputs import ModelOutput


class PretrainedModel(nn.Module):
    """A ConvBERT model with its configuration, that can be loaded from a folder and saved to one.

    `output_class` is what its forward pass returns. `loading_report` says what became of every tensor of the folder;
    it is None for a model made from scratch.
    """

    output_class: ClassVar[type[ModelOutput]]
    loading_report: LoadingReport | None = None
    # The class to name in config.json where that is not the model's own.
    saved_as: str | None = None

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        # Again: fields may have been changed since it was made.
        check_config(config)
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
        ignore_mismatched_sizes: initialise parameters whose tensor has another shape instead of refusing it
        config_overrides: replace fields of the configuration; with `num_labels` or `id2label` a classification head
            of another size is replaced by a new one
        Raises FileNotFoundError for a missing folder or file, ValueError for weights that do not fit, and for the hub
        what `fetch_folder` raises.
        """
        folder = resolve_folder(name_or_path, "weights", revision)
        path = find_weights(folder)
        config = ConvBertConfig.from_pretrained(folder, **config_overrides)
        with open_weights(path) as weights:
            rows = vocabulary_size(weights)
            stated, config = config, _with_vocab_size(config, rows, "vocab_size" in config_overrides)
            # Each parameter gets its memory when its tensor is read.
            with init_empty_weights():
                model = cls(config)
            model.loading_report = load_weights(
                model,
                weights,
                source=str(Path(name_or_path, path.name)),
                new_head=bool(config_overrides.keys() & {"num_labels", "id2label"}),
                ignore_mismatched_sizes=ignore_mismatched_sizes,
            )
        if config is not stated:
            model.loading_report.resized["vocab_size"] = f"{rows}; config.json says {stated.vocab_size}"
        model.tie_weights()
        init_missing_weights(model, config.initializer_range)
        model.tie_weights()
        _check_vocabulary(folder, config.vocab_size)
        return model.eval()

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write config.json and model.safetensors, in transformers' names; each file appears whole or not at all.

        Raises ValueError, before anything is written, where a field of `config` was changed to what cannot be.
        """
        folder = Path(folder)
        # What an older file said about its weights no longer holds; transformers loads in the precision named here.
        kind = self.saved_as or type(self).__name__
        facts = {"architectures": [kind], "dtype": str(self.dtype).removeprefix("torch.")}
        others = {name: value for name, value in self.config.extra.items() if name != "torch_dtype"}
        # This checks the fields: with a wrong one nothing is written.
        config = dataclasses.replace(self.config, extra=others | facts)
        save_weights_file(self, folder / WEIGHTS_FILE)
        config.save_pretrained(folder)

    def num_parameters(self) -> int:
        """Return the number of trainable parameters; a tied weight counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the parameters."""
        return next(self.parameters()).dtype

    def tie_weights(self) -> None:
        """Make one parameter of those that are to be the same; most models have none."""

    def init_weights(self) -> None:
        """Initialise the weights: normal with std initializer_range, biases 0, LayerNorm 1 and 0.

        The depthwise filters of the span-aware key keep their own, wider initialisation (see SpanAwareKey).
        """
        init_weights(self, self.config.initializer_range)


def _with_vocab_size(config: ConvBertConfig, rows: int | None, asked_for: bool) -> ConvBertConfig:
    """Return the configuration with the rows of the file's embedding matrix as vocab_size, unless the caller set it."""
    if rows in (None, config.vocab_size) or asked_for:
        return config
    warnings.warn(
        f"config.json says vocab_size {config.vocab_size}, but the embedding matrix has {rows} rows: {rows} is used",
        stacklevel=3,
    )
    return dataclasses.replace(config, vocab_size=rows)


def _check_vocabulary(folder: Path, rows: int) -> None:
    """Warn where the vocabulary beside the weights has more tokens than the embedding matrix has rows."""
    path = file_inside(folder, VOCABULARY_FILE)
    tokens = path.read_bytes().rstrip().count(b"\n") + 1 if path.is_file() else 0
    if tokens > rows:
        warnings.warn(
            f"{VOCABULARY_FILE} has {tokens} tokens, but the model's embedding matrix has {rows} rows: it cannot read "
            f"tokens from id {rows} on; use the vocabulary that the model was trained with",
            stacklevel=3,
        )
