"""The five kinds of tasks, one file each, in the order of the lessons."""

from convbert_edu.tasks.base import Task
from convbert_edu.tasks.classification import Classification

TASKS: dict[str, type[Task]] = {task.name: task for task in (Classification,)}

__all__ = ["TASKS", "Classification", "Task"]
