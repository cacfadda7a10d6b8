"""Every setting of a fine-tuning run; the defaults are the authors' recipe (lessons 09 to 13)."""

from dataclasses import dataclass, field
from typing import Any, Self

from convbert_edu.config import ConvBertConfig
from convbert_edu.finetuning.tasks.base import Task
from convbert_edu.training.settings import TrainingSettings, setting

# Models of this width and above (ConvBERT-base) learn with the lower rate.
LARGE, LARGE_RATE = 768, 1e-4


@dataclass(kw_only=True)
class FinetuneSettings(TrainingSettings):
    """The settings of the loop and those around it. Raises ValueError, naming the field, for values that cannot work.

    `recipe` makes the authors' settings for a task and a model.
    """

    epochs: int = 3
    layer_decay: float = 0.8
    precision: str = "auto"

    # What is trained.
    max_length: int | None = setting(
        None, "tokens of a row at most, [CLS] and [SEP] too; None: the task's, or as many as the model reads"
    )
    from_scratch: bool = setting(False, "start from random weights, in the sizes of the model")
    new_head: bool = setting(False, "replace the trained head of a model, where it has one for other labels")
    config: dict[str, Any] = field(
        default_factory=dict, metadata={"meaning": "fields of ConvBertConfig that replace the model's"}
    )
    task_options: dict[str, Any] = field(default_factory=dict, metadata={"meaning": "options of the task"})

    # When to stop, and the record.
    patience: int | None = setting(
        None, "stop after so many epochs without a better result; None: at the end"
    )
    evaluation_batch_size: int = setting(64, "rows of a batch when predicting")
    checkpoint_minutes: float = setting(10.0, "minutes between checkpoints")
    log_every: int = setting(10, "steps between lines of the log")
    threads: int | None = setting(None, "threads of the CPU; None: as many as PyTorch takes by itself")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("evaluation_batch_size", "log_every"):
            self.require(name, lambda value: value >= 1, "at least 1")
        self.require("checkpoint_minutes", lambda value: value >= 0, "at least 0")
        self.require("max_length", lambda value: value is None or value >= 3, "at least 3, or None")
        for name in ("patience", "threads"):
            self.require(name, lambda value: value is None or value >= 1, "at least 1, or None")
        self.require_config_fields("config")

    @classmethod
    def recipe(cls, task: Task, config: ConvBertConfig, /, **changes: Any) -> Self:
        """Return the authors' settings for a task and a model, with `changes`."""
        rate = {"learning_rate": LARGE_RATE} if config.hidden_size >= LARGE else {}
        return cls.from_dict(rate | task.paper_settings | changes)

    def row_length(self, task: Task, config: ConvBertConfig) -> int:
        """Return how many tokens a row may have; ValueError where the model cannot read as many."""
        limit = config.max_position_embeddings
        if self.max_length is not None and self.max_length > limit:
            raise ValueError(
                f"max_length is {self.max_length}, but the model reads at most max_position_embeddings = {limit} "
                "tokens; lower it"
            )
        return self.max_length or min(task.default_max_length, limit)
