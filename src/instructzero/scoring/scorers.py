"""From an answer to a score in [0, 1]: by a metric, or by a judge that is a model itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from instructzero.calls.answers import Answers
from instructzero.errors import TaskError
from instructzero.scoring.judge import JudgeMetric
from instructzero.types import Completion, Example

Metric = Callable[[str, tuple[str, ...]], float]


class Scorer(Protocol):
    """Scores one prediction; may ask a model, and pays for it then."""

    async def score(self, example: Example, prediction: str) -> float: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class MetricScorer:
    """``metric(prediction, accepted answers)``; raises `TaskError` when it gives no score in [0, 1]."""

    metric: Metric

    async def score(self, example: Example, prediction: str) -> float:
        score = self.metric(prediction, example.outputs)
        if not isinstance(score, int | float) or math.isnan(score) or not 0 <= score <= 1:
            raise TaskError(
                f"expected a score in [0, 1] from the metric, got {score!r} for the input "
                f"{example.input!r}; mend the metric"
            )
        return float(score)

    async def close(self) -> None:
        """Nothing to free."""


@dataclass(frozen=True)
class JudgeScorer:
    """Another model's grade; an answer of the judge without a grade scores 0."""

    judge: JudgeMetric
    answers: Answers
    on_answer: Callable[[Completion, bool], None]

    async def score(self, example: Example, prediction: str) -> float:
        request = self.judge.request(example, prediction)
        completion, cached = await self.answers.get(self.answers.call(request), request)
        self.on_answer(completion, cached)
        return self.judge.read(completion.text) or 0.0

    async def close(self) -> None:
        await self.answers.close()


@dataclass(frozen=True)
class LikelihoodScorer:
    """How likely a local model finds the likeliest accepted answer, which it answers as a number in [0, 1]."""

    async def score(self, example: Example, prediction: str) -> float:
        return float(prediction)

    async def close(self) -> None:
        """Nothing to free."""
