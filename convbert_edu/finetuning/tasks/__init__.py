"""The five kinds of tasks, one file each, in the order of the lessons."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from convbert_edu.finetuning.tasks.base import Task
from convbert_edu.finetuning.tasks.classification import Classification
from convbert_edu.finetuning.tasks.masked_lm import MaskedLM
from convbert_edu.finetuning.tasks.multiple_choice import MultipleChoice
from convbert_edu.finetuning.tasks.question_answering import QuestionAnswering
from convbert_edu.finetuning.tasks.token_classification import TokenClassification
from convbert_edu.training.settings import plain_value

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (Classification, TokenClassification, QuestionAnswering, MultipleChoice, MaskedLM)
}


def make_task(name: str, options: Mapping[str, Any]) -> Task:
    """Return the task called `name` with its options; ValueError for unknown ones and for values of the wrong type."""
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; the tasks are {', '.join(TASKS)}")
    known = {option.name: option for option in fields(TASKS[name])}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"{name} has no options {unknown}; it has {', '.join(known) or 'none'}")
    return TASKS[name](**{option: plain_value(known[option], value) for option, value in options.items()})


__all__ = [
    "TASKS",
    "Classification",
    "MaskedLM",
    "MultipleChoice",
    "QuestionAnswering",
    "Task",
    "TokenClassification",
    "make_task",
]
