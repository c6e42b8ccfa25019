"""Mean test scores over the seeds, each with its standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from instructzero.bench.results import Cell
from instructzero.bench.scores import budgets_of, comparable, mark_at

PLAIN = "plain"
"""The name of the plain instruction among the methods."""

COLUMNS = ("models", "budget", "task", "method", "seeds", "mean", "standard_error")
"""The columns of `rows`."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over ``seeds`` runs and its standard error, s / √n (Bessel-corrected s); None for one seed."""

    mean: float
    error: float | None
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Return the mean of the scores of several seeds."""
        error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
        return cls(float(np.mean(values)), error, len(values))

    def __str__(self) -> str:
        return f"{self.mean:.3f}" if self.error is None else f"{self.mean:.3f} ± {self.error:.3f}"


def means_at(cells: Sequence[Cell], budget: int) -> dict[tuple[str, str], Mean]:
    """Return the mean test score of each task and method over the seeds; `PLAIN` is a method here.

    Only the cells in `comparable` count.
    """
    found: dict[tuple[str, str], dict[int, float]] = {}
    for cell in comparable(cells, budget):
        mark = mark_at(cell, budget)
        assert mark is not None  # comparable() keeps only cells with a mark
        found.setdefault((cell.task, cell.method), {})[cell.seed] = mark.test
        found.setdefault((cell.task, PLAIN), {})[cell.seed] = cell.plain.test
    return {key: Mean.of(list(scores.values())) for key, scores in found.items()}


def over_tasks(means: Mapping[tuple[str, str], Mean], method: str) -> Mean:
    """Return the mean of a method over the tasks.

    The tasks count as fixed and the seeds of different tasks as independent, so that the error is √(Σ eᵢ²) / n. It is
    None if a task has one seed only.
    """
    own = [mean for (_, name), mean in means.items() if name == method]
    errors = [mean.error for mean in own if mean.error is not None]
    error = math.sqrt(sum(error**2 for error in errors)) / len(own) if len(errors) == len(own) else None
    return Mean(float(np.mean([mean.mean for mean in own])), error, min(mean.seeds for mean in own))


def rows(cells: Sequence[Cell]) -> list[tuple[object, ...]]:
    """Return a row for each pair of models, budget, task and method, with the columns of `COLUMNS`."""
    found: list[tuple[object, ...]] = []
    for models in sorted({cell.models for cell in cells}):
        own = [cell for cell in cells if cell.models == models]
        for budget in budgets_of(own):
            found += [
                (models, budget, task, method, mean.seeds, mean.mean, mean.error)
                for (task, method), mean in sorted(means_at(own, budget).items())
            ]
    return found
