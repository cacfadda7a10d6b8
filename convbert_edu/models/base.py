"""What all models share: first weights, loading and saving."""

import dataclasses
import os
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.checkpoints.loading import WEIGHTS_FILE, LoadingReport, load_weights_file
from convbert_edu.checkpoints.saving import save_weights_file
from convbert_edu.config import ConvBertConfig
from convbert_edu.config_checks import check_config
from convbert_edu.layers import GroupedLinear


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
    def from_pretrained(cls, name_or_path: str | os.PathLike, **config_overrides: Any) -> Self:
        """Load configuration and weights from a folder, saved here or by transformers; the model is in eval mode.

        `config_overrides` replace fields of the configuration. With `num_labels` or `id2label` a
        classification head of another size is replaced by a new one.
        Raises FileNotFoundError for a missing folder or file, ValueError for weights that do not fit.
        """
        folder = resolve_folder(name_or_path)
        model = cls(ConvBertConfig.from_pretrained(folder, **config_overrides))
        new_head = bool(config_overrides.keys() & {"num_labels", "id2label"})
        model.loading_report = load_weights_file(model, folder / WEIGHTS_FILE, new_head)
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

    def initialise_weights(self) -> None:
        """Draw first weights: normal with std initializer_range, biases 0, LayerNorm 1 and 0.

        The depthwise filters of the span-aware key keep their own, wider start (see SpanAwareKey).
        """
        std = self.config.initializer_range
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding | GroupedLinear):
                nn.init.normal_(module.weight, std=std)
            if isinstance(module, nn.Linear | GroupedLinear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                nn.init.zeros_(module.weight[module.padding_idx])
