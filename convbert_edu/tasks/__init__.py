"""The five kinds of tasks, one file each, in the order of the lessons."""

from convbert_edu.tasks.base import Task
from convbert_edu.tasks.classification import Classification
from convbert_edu.tasks.masked_lm import MaskedLM
from convbert_edu.tasks.multiple_choice import MultipleChoice
from convbert_edu.tasks.question_answering import QuestionAnswering
from convbert_edu.tasks.token_classification import TokenClassification

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (Classification, TokenClassification, QuestionAnswering, MultipleChoice, MaskedLM)
}

__all__ = [
    "TASKS",
    "Classification",
    "MaskedLM",
    "MultipleChoice",
    "QuestionAnswering",
    "Task",
    "TokenClassification",
]
