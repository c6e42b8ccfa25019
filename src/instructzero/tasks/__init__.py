"""Tasks: loading examples, dividing them, scoring answers. Knows no model, needs no other library."""

from instructzero.tasks.catalog import builtin_names, load_builtin
from instructzero.tasks.data import TaskData
from instructzero.tasks.loading import load_task_data
from instructzero.tasks.metrics import METRIC_FORMS, Metric, get_metric
from instructzero.tasks.splitting import Task, split_task

__all__ = [
    "METRIC_FORMS",
    "Metric",
    "Task",
    "TaskData",
    "builtin_names",
    "get_metric",
    "load_builtin",
    "load_task_data",
    "split_task",
]
