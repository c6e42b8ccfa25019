"""Scorers: they turn an answer into a score in [0, 1], by a metric, a judge model or a likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from instructzero.calls.answers import Answers
from instructzero.errors import TaskError
from instructzero.scoring.judge import JudgeMetric
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.tasks.classification.objectives import Outcomes
from instructzero.tasks.metric import Grade, Metric, ScoreFunction
from instructzero.types import Completion, Example


class Scorer(Protocol):
    """Scores one answer of the black box. A scorer may ask a model, which costs a call."""

    def grade(self, example: Example, completion: Completion) -> Grade | Coroutine[Any, Any, Grade]:
        """Return the score in [0, 1] of the answer ``completion`` to ``example``, with a remark if there is one."""
        ...

    def outcomes(self, predictions: Sequence[str], examples: Sequence[Example]) -> Outcomes | None:
        """Return what aligned predictions amount to as a set; None if their mean score is their score."""
        return None


@dataclass(frozen=True)
class MetricScorer(Scorer):
    """Scores by a metric: a `Metric`, or a function (prediction, accepted answers) -> score in [0, 1]."""

    metric: Metric | ScoreFunction

    def grade(self, example: Example, completion: Completion) -> Grade:
        """Return the score of the metric and its remark.

        Raises
        ------
        TaskError
            If the metric returns no number in [0, 1].
        """
        if isinstance(self.metric, Metric):
            grade = self.metric.grade(completion.text, example)
        else:
            grade = Grade(self.metric(completion.text, example.outputs))
        score = grade.score
        if not isinstance(score, int | float) or math.isnan(score) or not 0 <= score <= 1:
            raise TaskError(
                f"expected a score in [0, 1] from the metric, got {score!r} for the input "
                f"{example.input!r}; fix the metric"
            )
        return Grade(float(score), grade.remark)

    def outcomes(self, predictions: Sequence[str], examples: Sequence[Example]) -> Outcomes | None:
        """Return the outcomes of the metric."""
        return self.metric.outcomes(predictions, examples) if isinstance(self.metric, Metric) else None


@dataclass(frozen=True)
class JudgeScorer(Scorer):
    """Scores by the grade of another model.

    Parameters
    ----------
    judge
        Makes the judge's prompts and reads its replies.
    answers
        Asks the judge.
    on_answer
        Called with (completion, cached) for every grade; ``cached`` is False only for a reply that was just paid for.
    """

    judge: JudgeMetric
    answers: Answers
    on_answer: Callable[[Completion, bool], None]

    async def grade(self, example: Example, completion: Completion) -> Grade:
        """Return the judge's grade as a score; a reply without one scores 0."""
        request = self.judge.request(example, without_thoughts(completion.text))
        reply, cached = await self.answers.get(self.answers.call(request), request)
        self.on_answer(reply, cached)
        return Grade(self.judge.read(reply.text) or 0.0)


@dataclass(frozen=True)
class LikelihoodScorer(Scorer):
    """Scores by the likelihood that a local model gives to the likeliest accepted answer."""

    def grade(self, example: Example, completion: Completion) -> Grade:
        """Return the likelihood itself; see `Completion.likelihood`."""
        return Grade(completion.likelihood)
