"""A fine-tuned model at work: fields of text in, predictions out (lessons 09 to 13)."""

import os
import warnings
from collections.abc import Sequence
from typing import Any, Self

import torch

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.device import find_device
from convbert_edu.finetuning.run import trained_head
from convbert_edu.finetuning.tasks import TASKS, Task, make_task
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.predict import predict
from convbert_edu.training.run_folder import RunFolder


class Predictor:
    """A model with its task and tokenizer."""

    def __init__(
        self, task: Task, model: PretrainedModel, tokenizer: ConvBertTokenizer, max_length: int
    ) -> None:
        self.task, self.model, self.tokenizer, self.max_length = task, model, tokenizer, max_length

    @classmethod
    def load(cls, name_or_path: str | os.PathLike, device: torch.device | None = None) -> Self:
        """Open the output folder of a fine-tuning run, or any model with a trained head.

        The length of its rows and the options of the task are those that it was fine-tuned with, where its
        configuration says them (`task_specific_params`). Raises FileNotFoundError where there is no model, ValueError
        where a run is not complete, or the model has no head of one of the tasks, or options that the task lacks.
        """
        run = RunFolder(name_or_path)
        if run.checkpoints.is_dir() and not run.record.is_file():
            raise ValueError(f"{run.path} holds a run that is not complete; go on with it first (--resume)")
        source = run.model if run.record.is_file() else name_or_path
        folder = resolve_folder(source, "weights")
        head = trained_head(folder)
        heads = {task.model_class.__name__: task for task in TASKS.values()}
        if head not in heads:
            raise ValueError(
                f"the model in {folder} is a {head or 'model that does not say its class'}, with no trained head for a "
                f"task; fine-tune it first, or take one of {', '.join(heads)}"
            )
        kind = heads[head]
        model = kind.model_class.from_pretrained(folder).to(device or find_device())
        options = dict((model.config.task_specific_params or {}).get(kind.name, {}))
        limit = model.config.max_position_embeddings
        max_length = options.pop("max_length", min(kind.default_max_length, limit))
        if not isinstance(max_length, int) or not 1 <= max_length <= limit:
            raise ValueError(
                f"task_specific_params in the config.json of {folder} gives {kind.name} the max_length {max_length!r}; "
                f"it must be a whole number from 1 to max_position_embeddings, {limit}: correct it, or leave it out"
            )
        try:
            task = make_task(kind.name, options)
        except ValueError as error:
            raise ValueError(
                f"task_specific_params in the config.json of {folder}: {error}; leave the others out"
            ) from None
        return cls(task, model, ConvBertTokenizer.from_pretrained(source), max_length)

    def predict(self, inputs: Sequence[str | dict[str, Any]], batch_size: int = 64) -> list[dict[str, Any]]:
        """Return what the model predicts for each input, as plain JSON values; a plain text stands for {"text": ...}.

        The fields are those that the task reads (see Task.example_from). Raises ValueError, naming the input, where
        one is missing; TypeError for an input that is neither text nor fields, and for one that is not in a list.
        Warns where an input is longer than the rows of the model and is cut, as it was in training.
        """
        if isinstance(inputs, str | dict):
            raise TypeError(f"inputs is {inputs!r}; give a list, also of a single input: predict([...])")
        task, config = self.task, self.model.config
        examples = []
        for number, given in enumerate(inputs, start=1):
            if not isinstance(given, str | dict):
                raise TypeError(
                    f"input {number} is {given!r}; give a text, or a dictionary of the fields that the task reads"
                )
            try:
                fields = {"text": given} if isinstance(given, str) else given
                examples.append(task.example_from(fields, config))
            except ValueError as error:
                raise ValueError(f"input {number}: {error}") from None
        if not examples:
            return []
        encoded = task.encode_inputs(examples, self.tokenizer, self.max_length, config)
        if encoded.cut:
            warnings.warn(
                f"{encoded.cut} of {len(examples)} inputs did not fit into max_length = {self.max_length} tokens and "
                "were cut; a model fine-tuned with a larger max_length reads more of them",
                stacklevel=2,
            )
        results = predict(self.model, encoded, task.postprocess, batch_size)
        return task.predictions(results, encoded, examples, config)
