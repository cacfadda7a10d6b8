"""What every kind of task says: which head, how examples become batches, how good the predictions are.

Lessons 09 to 13 use one task each.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

from torch import Tensor

from convbert_edu.config import ConvBertConfig
from convbert_edu.data.batching import EncodedRows
from convbert_edu.data.examples import Splits
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.settings import IN_WORDS, make_plain


class Task(ABC):
    """A kind of task. Its fields are the options that it has; everything else about a run is in the settings."""

    # As the commands know it.
    name: ClassVar[str]
    # The encoder with the task's head.
    model_class: ClassVar[type[PretrainedModel]]
    # As the hub calls what such a model does, for the model's card; None where it has no word for it.
    pipeline_tag: ClassVar[str | None] = None
    # Settings in which the authors' recipe differs for this task.
    paper_settings: ClassVar[dict[str, Any]] = {}
    # Tokens of a row in the authors' recipe.
    default_max_length: ClassVar[int] = 128

    def __post_init__(self) -> None:
        make_plain(self)

    def fitted_to(self, splits: Splits) -> Self:
        """Return the task with those options settled that follow from the data."""
        return self

    @abstractmethod
    def metric_for_best_model(self, splits: Splits) -> str:
        """Return the name of the metric by which the best epoch is chosen; a minus sign means: lower is better."""

    @abstractmethod
    def config_fields(self, splits: Splits) -> dict[str, Any]:
        """Return what the model's configuration must say for this data, such as the names of the labels.

        Raises ValueError for labels that no head can learn.
        """

    @abstractmethod
    def encode(
        self, examples: Sequence[Any], tokenizer: ConvBertTokenizer, max_length: int, config: ConvBertConfig
    ) -> EncodedRows:
        """Tokenise examples into rows of at most `max_length` tokens; one example may become several rows.

        Raises ValueError, naming the example, for what cannot be learned from.
        """

    def for_training(self, rows: EncodedRows) -> EncodedRows:
        """Return the rows to learn from; a task may leave out some that teach little."""
        return rows

    def encode_inputs(
        self, examples: Sequence[Any], tokenizer: ConvBertTokenizer, max_length: int, config: ConvBertConfig
    ) -> EncodedRows:
        """Tokenise examples that have no right answer, those of `example_from`."""
        return self.encode(examples, tokenizer, max_length, config)

    @abstractmethod
    def postprocess(self, output: Any, batch: dict[str, Tensor]) -> list[Any]:
        """Return, for each row of a batch, what later steps need of the model's output."""

    @abstractmethod
    def metrics(
        self, results: list[Any], encoded: EncodedRows, examples: Sequence[Any], config: ConvBertConfig
    ) -> dict[str, float]:
        """Return how good the predictions are; `results` are those of `postprocess`, one for each row of `encoded`."""

    @abstractmethod
    def predictions(
        self, results: list[Any], encoded: EncodedRows, examples: Sequence[Any], config: ConvBertConfig
    ) -> list[dict[str, Any]]:
        """Return what the model predicts for each example, as plain JSON values."""

    @abstractmethod
    def example_from(self, fields: dict[str, Any], config: ConvBertConfig) -> Any:
        """Return an example without a right answer, made from the fields of one line of input.

        A line of plain text counts as the field `text`. Raises ValueError where a field is missing.
        """


def needed(fields: dict[str, Any], name: str, kind: type) -> Any:
    """Return a field of a line of input; ValueError, naming those that are there, where it is missing or no `kind`."""
    if name not in fields:
        raise ValueError(f"the field {name!r} is missing; there are {', '.join(fields) or 'none'}")
    if not isinstance(fields[name], kind):
        raise ValueError(f"the field {name!r} is {fields[name]!r}; it must be {IN_WORDS[kind]}")
    return fields[name]


def needed_texts(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a field that holds a list of texts; ValueError where it is missing or something else."""
    texts = needed(fields, name, list)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"the field {name!r} is {texts!r}; it must be a list of texts, at least one")
    return tuple(texts)


def check_label(where: str, label: Any, config: ConvBertConfig) -> None:
    """Raise ValueError, naming the example, unless `label` is the number of one of the head's labels."""
    if not is_index(label, config.num_labels):
        raise ValueError(
            f"{where} has the label {label!r}, but the head has {config.num_labels} labels, 0 to "
            f"{config.num_labels - 1} ({names_of(config)}); correct the label, or train a head with more labels"
        )


def is_index(label: Any, count: int) -> bool:
    """Say whether `label` is a whole number from 0 to below `count`: no name, and not true or false."""
    return isinstance(label, Integral) and not isinstance(label, bool) and 0 <= label < count


def names_of(config: ConvBertConfig) -> str:
    """Return the names of the head's labels for a message; not all of them where there are many."""
    names = list(config.id2label.values())
    return ", ".join(names if len(names) <= 12 else [*names[:10], "...", names[-1]])
