"""Which method ranks where over many tasks, and whether the ranks differ by more than chance.

On each task the best method has rank 1, and methods with equal scores share the mean of their ranks. Friedman's test
asks whether all methods might be equal; where it says no, two methods differ when their average ranks are at least
Nemenyi's critical difference apart (Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 2006).

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
    """Methods in the order of their average ``ranks``, the best first, with the tests over ``tasks`` tasks.

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
        """The ranking by mean score on each task."""
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
        return self.methods[0]

    @property
    def differ(self) -> bool:
        """Whether Friedman's test finds that the methods are not all equal."""
        return self.p_value < ALPHA

    def rank_of(self, method: str) -> float:
        return self.ranks[self.methods.index(method)]

    def distinct(self, first: str, second: str) -> bool:
        """Whether both tests say that two methods differ."""
        return self.differ and abs(self.rank_of(first) - self.rank_of(second)) >= self.critical_difference

    def groups(self) -> list[tuple[str, ...]]:
        """The largest groups of two and more neighbours of which no two are a critical difference apart."""
        ends = [self._last_alike(start) for start in range(len(self.methods))]
        return [
            self.methods[start : end + 1]
            for start, end in enumerate(ends)
            if end > start and (start == 0 or ends[start - 1] < end)
        ]

    def _last_alike(self, start: int) -> int:
        """The position of the worst ranked method that does not differ from the one at ``start``."""
        alike = [place for place, rank in enumerate(self.ranks) if rank - self.ranks[start] < self.critical_difference]
        return max([start, *alike]) if self.differ else len(self.ranks) - 1


def average_ranks(scores: ArrayLike) -> Array:
    """The mean rank of each method, shape (k,), for ``scores`` of shape (n, k); higher scores rank first.

    >>> average_ranks([[0.9, 0.5, 0.5], [0.2, 0.1, 0.3]]).tolist()
    [1.5, 2.75, 1.75]
    """
    return np.asarray(_task_ranks(scores).mean(axis=0), dtype=np.float64)


def _task_ranks(scores: ArrayLike) -> Array:
    """The ranks on each task, shape (n, k)."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected finite scores of shape (tasks, methods), got shape {values.shape}: {values}")
    return np.asarray(rankdata(-np.round(values, DIGITS), axis=1), dtype=np.float64)


def friedman_p_value(scores: ArrayLike) -> float:
    """How likely such average ranks are when all k methods are equal, for ``scores`` of shape (n, k).

    Friedman's chi-square with its correction for ties (scipy's), which needs three methods; of two, the exact sign test
    on the tasks that differ, which asks the same. 1 for a single method, or where all methods are equal on every task.
    """
    ranks = _task_ranks(scores)
    if ranks.shape[1] == 1 or (ranks == ranks[:, :1]).all():
        return 1.0
    if ranks.shape[1] == 2:
        won, lost = int((ranks[:, 0] < ranks[:, 1]).sum()), int((ranks[:, 0] > ranks[:, 1]).sum())
        return float(binomtest(won, won + lost).pvalue)
    return float(friedmanchisquare(*ranks.T).pvalue)


def critical_difference(methods: int, tasks: int, alpha: float = ALPHA) -> float:
    """Nemenyi's q_α √(k (k + 1) / (6 n)) for k ``methods`` on n ``tasks``; q_α is the Studentized range over √2.

    >>> round(critical_difference(methods=4, tasks=14), 2)  # Demšar's example
    1.25
    """
    if methods < 2 or tasks < 1:
        raise ValueError(f"expected at least two methods and one task, got {methods} and {tasks}")
    return _quantile(methods, alpha) * math.sqrt(methods * (methods + 1) / (6 * tasks))


@cache  # it is integrated numerically
def _quantile(methods: int, alpha: float) -> float:
    """q_α: the Studentized range of so many means with infinite degrees of freedom, over √2."""
    return float(studentized_range.ppf(1 - alpha, methods, math.inf)) / math.sqrt(2)
