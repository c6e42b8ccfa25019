"""The weighted mean of several metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from instructzero.tasks.metric import Grade, Metric
from instructzero.types import Example


@dataclass(frozen=True)
class WeightedMetric(Metric):
    """Scores by the weighted mean of several metrics; each metric uses its own best accepted answer.

    Parameters
    ----------
    terms
        Pairs of a weight above 0 and a metric. Only the ratio of the weights counts, so that a score stays in [0, 1].

    The mean over examples is the same weighted mean of the parts' means.

    >>> from instructzero.tasks import get_metric
    >>> get_metric("3*exact_match + 1*f1")("a cat", ["cat"])
    0.16666666666666666
    """

    terms: tuple[tuple[float, Metric], ...]

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return the weighted mean of the scores of the parts."""
        # fsum is monotone, so that rounding never carries the quotient over 1.
        total = math.fsum(weight for weight, _ in self.terms)
        return math.fsum(weight * metric(prediction, outputs) for weight, metric in self.terms) / total

    def grade(self, prediction: str, example: Example) -> Grade:
        """Return the weighted mean of the scores of the parts, and their remarks on a line each."""
        grades = [(weight, metric.grade(prediction, example)) for weight, metric in self.terms]
        total = math.fsum(weight for weight, _ in self.terms)
        score = math.fsum(weight * grade.score for weight, grade in grades) / total
        return Grade(score, "\n".join(grade.remark for _, grade in grades if grade.remark))

    @property
    def reads_columns(self) -> bool:
        """True if a part reads the columns."""
        return any(metric.reads_columns for _, metric in self.terms)

    def score(self, prediction: str, answer: str) -> float:
        """Return the score of ``prediction`` with ``answer`` as the only accepted answer."""
        return self(prediction, (answer,))

    def bind(self, examples: Iterable[Example]) -> WeightedMetric:
        """Return this metric with every part bound to ``examples``."""
        known = tuple(examples)
        return replace(self, terms=tuple((weight, metric.bind(known)) for weight, metric in self.terms))

    @property
    def parts(self) -> Mapping[str, Metric]:
        """The metrics of the sum by name, in order."""
        return {metric.name: metric for _, metric in self.terms}
