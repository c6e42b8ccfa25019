"""Two methods on the same tasks, and how many calls a method needs for what its best rival ends with.

Differences are of mean scores, task by task, the seeds averaged. Their interval is a percentile bootstrap over the
tasks, and the p-value that of the paired sign-flip test in `instructzero.statistics`; over several rivals it is
adjusted by Holm (1979). Fewer than `ENOUGH_TASKS` tasks cannot give a p-value below 0.05.
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
    """``first`` against ``second``: tasks won, tied and lost, and the mean ``difference``, positive where it is better.

    ``low`` and ``high`` are the ends of the 95 % interval, ``p_value`` is two-sided.
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
        """Whether interval and test agree that the difference is no chance."""
        return self.p_value < 1 - LEVEL and not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Reach:
    """What ``method`` needs to be where ``rival``, the best of the others, ends: its mean best validation ``score``.

    ``calls`` are calls a run, None where the method never gets there; ``rival_calls`` are the rival's own.
    """

    method: str
    rival: str
    score: float
    calls: int | None
    rival_calls: int


def compare(scores: Scores, first: str, second: str) -> Comparison:
    """One method against another, without adjustment of the p-value."""
    differences = differences_of(scores, first, second)
    low, high = bootstrap_interval(differences)
    p_value = paired_test(scores.of(first).tolist(), scores.of(second).tolist()).p_value
    return Comparison(first, second, *outcomes(differences), float(differences.mean()), low, high, p_value)


def differences_of(scores: Scores, first: str, second: str) -> Array:
    """How much higher ``first`` scores than ``second`` on each task, shape (n,)."""
    return np.asarray(np.round(scores.of(first) - scores.of(second), DIGITS))


def outcomes(differences: Array) -> tuple[int, int, int]:
    """Tasks won, tied and lost."""
    return int((differences > 0).sum()), int((differences == 0).sum()), int((differences < 0).sum())


def compare_all(scores: Scores, reference: str) -> list[Comparison]:
    """``reference`` against each other method, in the order of the methods, the p-values adjusted for their number."""
    pairs = [compare(scores, reference, rival) for rival in scores.methods if rival != reference]
    adjusted = holm([pair.p_value for pair in pairs])
    return [replace(pair, p_value=p_value) for pair, p_value in zip(pairs, adjusted, strict=True)]


def bootstrap_interval(differences: ArrayLike) -> tuple[float, float]:
    """The 95 % interval of the mean of ``differences``, shape (n,): a percentile bootstrap over the tasks."""
    values = np.asarray(differences, dtype=np.float64)
    draws = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def best_after(cells: Sequence[Cell], calls: ArrayLike) -> Array:
    """The best validation score that so many calls had paid for, shape (cells, calls): at first the plain one's."""
    grid = np.asarray(calls, dtype=np.float64)
    rows = np.zeros((len(cells), len(grid)))
    for row, cell in zip(rows, cells, strict=True):
        spent, best = np.array(cell.curve, dtype=np.float64).reshape(-1, 2).T
        row[:] = np.concatenate([[cell.plain.validation], best])[np.searchsorted(spent, grid, side="right")]
    return rows


def anytime(cells: Sequence[Cell], calls: ArrayLike) -> Array:
    """The mean best validation score on each task after so many calls, shape (n, calls), the tasks by name."""
    tasks = sorted({cell.task for cell in cells})
    return np.stack([best_after([cell for cell in cells if cell.task == task], calls).mean(axis=0) for task in tasks])


def calls_to_reach(cells: Sequence[Cell], score: float, budget: int) -> int | None:
    """The fewest calls a run, at most ``budget``, after which the mean best validation score is at least ``score``."""
    grid = sorted({0, *(calls for cell in cells for calls, _ in cell.curve if calls <= budget)})
    reached = np.flatnonzero(np.round(anytime(cells, grid).mean(axis=0), DIGITS) >= round(score, DIGITS))
    return grid[reached[0]] if len(reached) else None


def reaches(cells: Sequence[Cell], budget: int) -> list[Reach]:
    """For each of two and more methods, the calls to where the best of the others is after ``budget`` calls.

    ``cells`` hold the same tasks and seeds for every method (`scores.comparable`).
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
