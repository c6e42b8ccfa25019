"""Tasks: loading examples, splitting them, and the metrics. Imports no model and no other library."""

from instructzero.tasks.catalog import builtin_names, load_builtin
from instructzero.tasks.data import TaskData
from instructzero.tasks.files.rows import Rows
from instructzero.tasks.loading import is_task_file, load_rows, load_task_data, resolved, source_name
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.specifications import METRIC_FORMS, get_metric, is_judged
from instructzero.tasks.splitting import Task, split_task

__all__ = [
    "METRIC_FORMS",
    "Metric",
    "MetricKind",
    "Rows",
    "Task",
    "TaskData",
    "builtin_names",
    "get_metric",
    "is_judged",
    "is_task_file",
    "load_builtin",
    "load_rows",
    "load_task_data",
    "resolved",
    "source_name",
    "split_task",
]
