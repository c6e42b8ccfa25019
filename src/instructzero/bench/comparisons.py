"""Paired comparisons of methods on the same tasks, and the calls that a method needs to reach its best rival's score.

A difference is one of mean scores on a task, averaged over the seeds. Its interval is a percentile bootstrap over the
tasks. The p-value is that of the paired sign-flip test in `instructzero.statistics`, adjusted by Holm's method (1979)
if there are several rivals. With fewer than `ENOUGH_TASKS` tasks no p-value can be below 0.05.

Notation: n tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from instructzero.bench.results import Cell
from instructzero.bench.scores import DIGITS, Array, Scores, in_order
from instructzero.statistics import RESAMPLES, SEED, holm, paired_test

LEVEL = 0.95
ENOUGH_TASKS = 6


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of ``first`` with ``second``: tasks won, tied and lost, and the mean ``difference`` of the scores.

    The difference is positive if ``first`` is better. ``low`` and ``high`` are the ends of its 95 % interval;
    ``p_value`` is two-sided.
    """

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def shown(self) -> bool:
        """True if both the interval and the test say that the difference is significant."""
        return self.p_value < 1 - LEVEL and not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Reach:
    """The calls per run that ``method`` needs to reach the final mean best validation ``score`` of ``rival``.

    The rival is the best of the other methods. ``calls`` is None if the method never reaches the score;
    ``rival_calls`` is the number of calls after which the rival itself had reached it.
    """

    method: str
    rival: str
    score: float
    calls: int | None
    rival_calls: int


def compare(scores: Scores, first: str, second: str) -> Comparison:
    """Compare two methods; the p-value is not adjusted."""
    differences = differences_of(scores, first, second)
    low, high = bootstrap_interval(differences)
    p_value = paired_test(scores.of(first).tolist(), scores.of(second).tolist()).p_value
    return Comparison(first, second, *outcomes(differences), float(differences.mean()), low, high, p_value)


def differences_of(scores: Scores, first: str, second: str) -> Array:
    """Return the score of ``first`` minus that of ``second`` on each task, shape (n,)."""
    return np.asarray(np.round(scores.of(first) - scores.of(second), DIGITS))


def outcomes(differences: Array) -> tuple[int, int, int]:
    """Count the tasks won, tied and lost."""
    return int((differences > 0).sum()), int((differences == 0).sum()), int((differences < 0).sum())


def compare_all(scores: Scores, reference: str) -> list[Comparison]:
    """Compare ``reference`` with every other method, in the order of the methods; the p-values are Holm-adjusted."""
    pairs = [compare(scores, reference, rival) for rival in scores.methods if rival != reference]
    adjusted = holm([pair.p_value for pair in pairs])
    return [replace(pair, p_value=p_value) for pair, p_value in zip(pairs, adjusted, strict=True)]


def bootstrap_interval(differences: ArrayLike) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval, over the tasks, of the mean of ``differences``, shape (n,)."""
    values = np.asarray(differences, dtype=np.float64)
    draws = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def best_after(cells: Sequence[Cell], calls: ArrayLike) -> Array:
    """Return the best validation score of each cell after each number of calls, shape (cells, calls).

    Before the first completely scored trial it is the score of the plain instruction.
    """
    grid = np.asarray(calls, dtype=np.float64)
    rows = np.zeros((len(cells), len(grid)))
    for row, cell in zip(rows, cells, strict=True):
        spent, best = np.array(cell.curve, dtype=np.float64).reshape(-1, 2).T
        row[:] = np.concatenate([[cell.plain.validation], best])[np.searchsorted(spent, grid, side="right")]
    return rows


def anytime(cells: Sequence[Cell], calls: ArrayLike) -> Array:
    """Return the mean best validation score on each task after each number of calls, shape (n, calls).

    The tasks are in the order of their names.
    """
    tasks = sorted({cell.task for cell in cells})
    return np.stack([best_after([cell for cell in cells if cell.task == task], calls).mean(axis=0) for task in tasks])


def calls_to_reach(cells: Sequence[Cell], score: float, budget: int) -> int | None:
    """Return the fewest calls per run, up to ``budget``, that bring the mean best validation score to ``score``.

    None if the mean stays below ``score``.
    """
    grid = sorted({0, *(calls for cell in cells for calls, _ in cell.curve if calls <= budget)})
    reached = np.flatnonzero(np.round(anytime(cells, grid).mean(axis=0), DIGITS) >= round(score, DIGITS))
    return grid[reached[0]] if len(reached) else None


def reaches(cells: Sequence[Cell], budget: int) -> list[Reach]:
    """Return, for each method, the calls that it needs to reach the best other method's score after ``budget`` calls.

    ``cells`` hold the same tasks and seeds for every method (`scores.comparable`). A single method has no rival: the
    list is empty.
    """
    own = {method: [cell for cell in cells if cell.method == method] for method in in_order(c.method for c in cells)}
    final = {method: float(anytime(found, [budget]).mean()) for method, found in own.items()}
    found = []
    for method in own:
        rivals = [other for other in own if other != method]
        if not rivals:
            continue
        rival = max(rivals, key=lambda other: final[other])
        rival_calls = calls_to_reach(own[rival], final[rival], budget)
        calls = calls_to_reach(own[method], final[rival], budget)
        found.append(Reach(method, rival, final[rival], calls, rival_calls or 0))
    return found
