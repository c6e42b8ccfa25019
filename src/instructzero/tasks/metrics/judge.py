"""The grade of another model; `instructzero.scoring.judge` has its prompt and reads its reply."""

from __future__ import annotations

from dataclasses import dataclass

from instructzero.errors import TaskError
from instructzero.tasks.metric import Metric, MetricKind


@dataclass(frozen=True)
class JudgedMetric(Metric):
    """Stands for the grade of a judge; the grade itself is asked of the judge model during a run."""

    def score(self, prediction: str, answer: str) -> float:
        """Raise `TaskError`: only a run with a judge model can score by this metric."""
        raise TaskError(
            f"metric {self.name!r}: expected a model that grades answers, got none; "
            f"name one in the setting judge, or choose another metric"
        )


METRIC = MetricKind.of(JudgedMetric("judge"), "the grade of another model, from 0 to 10, divided by 10", judged=True)
