"""Average ranks of methods over many tasks, and the tests of their differences.

On each task the best method has rank 1, and methods with equal scores share the mean of their ranks. The null
hypothesis of Friedman's test is that all methods are equal. If it is rejected, two methods differ significantly if
their average ranks are at least Nemenyi's critical difference apart (Demšar, Statistical Comparisons of Classifiers
over Multiple Data Sets, JMLR 2006).

Notation: n tasks, k methods, α the level of both tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, friedmanchisquare, rankdata, studentized_range

from instructzero.bench.scores import DIGITS, Array, Scores

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Ranking:
    """Methods in the order of their average ``ranks``, the best first, and the tests over ``tasks`` tasks.

    >>> scores = Scores(("a", "b"), ("x", "y"), ((0.9, 0.1), (0.8, 0.8)))
    >>> Ranking.of(scores).ranks
    (1.25, 1.75)
    """

    methods: tuple[str, ...]
    ranks: tuple[float, ...]
    tasks: int
    p_value: float
    critical_difference: float

    @classmethod
    def of(cls, scores: Scores) -> Ranking:
        """Rank the methods by their mean score on each task."""
        ranks = average_ranks(scores.array)
        order = np.argsort(ranks, kind="stable")
        methods, tasks = len(scores.methods), len(scores.tasks)
        return cls(
            methods=tuple(scores.methods[position] for position in order),
            ranks=tuple(ranks[order].tolist()),
            tasks=tasks,
            p_value=friedman_p_value(scores.array),
            critical_difference=critical_difference(methods, tasks) if methods > 1 else 0.0,
        )

    @property
    def best(self) -> str:
        """The method with the best average rank; of several, the first."""
        return self.methods[0]

    @property
    def differ(self) -> bool:
        """True if Friedman's test rejects that all methods are equal."""
        return self.p_value < ALPHA

    def rank_of(self, method: str) -> float:
        """Return the average rank of a method."""
        return self.ranks[self.methods.index(method)]

    def distinct(self, first: str, second: str) -> bool:
        """Return True if two methods differ significantly by both tests."""
        return self.differ and abs(self.rank_of(first) - self.rank_of(second)) >= self.critical_difference

    def groups(self) -> list[tuple[str, ...]]:
        """Return the largest groups of two or more neighbouring methods that do not differ significantly."""
        ends = [self._last_alike(start) for start in range(len(self.methods))]
        return [
            self.methods[start : end + 1]
            for start, end in enumerate(ends)
            if end > start and (start == 0 or ends[start - 1] < end)
        ]

    def _last_alike(self, start: int) -> int:
        """Return the position of the worst ranked method that does not differ from the one at ``start``."""
        alike = [place for place, rank in enumerate(self.ranks) if rank - self.ranks[start] < self.critical_difference]
        return max([start, *alike]) if self.differ else len(self.ranks) - 1


def average_ranks(scores: ArrayLike) -> Array:
    """Return the mean rank of each method, shape (k,), for ``scores`` of shape (n, k); the highest score has rank 1.

    >>> average_ranks([[0.9, 0.5, 0.5], [0.2, 0.1, 0.3]]).tolist()
    [1.5, 2.75, 1.75]
    """
    return np.asarray(_task_ranks(scores).mean(axis=0), dtype=np.float64)


def _task_ranks(scores: ArrayLike) -> Array:
    """Return the ranks on each task, shape (n, k)."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected finite scores of shape (tasks, methods), got shape {values.shape}: {values}")
    return np.asarray(rankdata(-np.round(values, DIGITS), axis=1), dtype=np.float64)


def friedman_p_value(scores: ArrayLike) -> float:
    """Return the p-value of the hypothesis that all k methods are equal, for ``scores`` of shape (n, k).

    It is that of Friedman's chi-square with the correction for ties (scipy's), which needs at least three methods. For
    two methods it is that of the exact sign test on the tasks without a tie, which tests the same hypothesis. It is 1
    for a single method, and if all methods are equal on every task.
    """
    ranks = _task_ranks(scores)
    if ranks.shape[1] == 1 or (ranks == ranks[:, :1]).all():
        return 1.0
    if ranks.shape[1] == 2:
        won, lost = int((ranks[:, 0] < ranks[:, 1]).sum()), int((ranks[:, 0] > ranks[:, 1]).sum())
        return float(binomtest(won, won + lost).pvalue)
    return float(friedmanchisquare(*ranks.T).pvalue)


def critical_difference(methods: int, tasks: int, alpha: float = ALPHA) -> float:
    """Return Nemenyi's critical difference of average ranks, q_α √(k (k + 1) / (6 n)), k ``methods``, n ``tasks``.

    q_α is the quantile of the Studentized range distribution divided by √2 (Demšar, 2006, section 3.2.2).

    >>> round(critical_difference(methods=4, tasks=14), 2)  # Demšar's example
    1.25
    """
    if methods < 2 or tasks < 1:
        raise ValueError(f"expected at least two methods and one task, got {methods} and {tasks}")
    return _quantile(methods, alpha) * math.sqrt(methods * (methods + 1) / (6 * tasks))


@cache  # slow: scipy integrates it numerically
def _quantile(methods: int, alpha: float) -> float:
    """Return q_α: the Studentized range quantile for ``methods`` means, infinite degrees of freedom, over √2."""
    return float(studentized_range.ppf(1 - alpha, methods, math.inf)) / math.sqrt(2)
