"""Intervals and tests of the scores of instructions, whether a score is a mean over examples or that of a whole set."""

from __future__ import annotations

from instructzero.statistics import Interval, PairedTest, interval_method, mean_interval, paired_test
from instructzero.types import Evaluation


def score_interval(evaluation: Evaluation) -> Interval:
    """Return the 95 % interval of `Evaluation.score`.

    >>> score_interval(Evaluation((1.0,) * 9 + (0.0,), ("yes",) * 10)).low
    0.5958499732047615
    """
    return mean_interval(evaluation.scores) if evaluation.outcomes is None else evaluation.outcomes.interval()


def score_interval_method(evaluation: Evaluation) -> str:
    """Return the method of `score_interval`: Wilson or bootstrap."""
    return interval_method(evaluation.scores) if evaluation.outcomes is None else "bootstrap"


def score_test(first: Evaluation, second: Evaluation) -> PairedTest:
    """Return the paired test of the scores of two instructions on the same examples."""
    if first.outcomes is None or second.outcomes is None:
        return paired_test(first.scores, second.scores)
    return first.outcomes.compare(second.outcomes)
