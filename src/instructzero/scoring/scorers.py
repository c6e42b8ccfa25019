"""Scorers: they turn an answer into a score in [0, 1], by a metric, a judge model or a likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from instructzero.calls.answers import Answers
from instructzero.errors import TaskError
from instructzero.scoring.judge import JudgeMetric
from instructzero.tasks.metric import ScoreFunction
from instructzero.types import Completion, Example


class Scorer(Protocol):
    """Scores one answer of the black box. A scorer may ask a model, which costs a call."""

    async def score(self, example: Example, completion: Completion) -> float:
        """Return the score in [0, 1] of the answer ``completion`` to ``example``."""
        ...


@dataclass(frozen=True)
class MetricScorer:
    """Scores by a metric, a function (prediction, accepted answers) -> score in [0, 1]."""

    metric: ScoreFunction

    async def score(self, example: Example, completion: Completion) -> float:
        """Return the score of the metric.

        Raises
        ------
        TaskError
            If the metric returns no number in [0, 1].
        """
        score = self.metric(completion.text, example.outputs)
        if not isinstance(score, int | float) or math.isnan(score) or not 0 <= score <= 1:
            raise TaskError(
                f"expected a score in [0, 1] from the metric, got {score!r} for the input "
                f"{example.input!r}; fix the metric"
            )
        return float(score)


@dataclass(frozen=True)
class JudgeScorer:
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

    async def score(self, example: Example, completion: Completion) -> float:
        """Return the grade as a score; a reply without a grade scores 0."""
        request = self.judge.request(example, completion.text)
        reply, cached = await self.answers.get(self.answers.call(request), request)
        self.on_answer(reply, cached)
        return self.judge.read(reply.text) or 0.0


@dataclass(frozen=True)
class LikelihoodScorer:
    """Scores by the likelihood that a local model gives to the likeliest accepted answer."""

    async def score(self, example: Example, completion: Completion) -> float:
        """Return the likelihood itself; see `Completion.likelihood`."""
        return completion.likelihood
