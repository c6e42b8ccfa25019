"""Mean scores of methods on tasks, computed from cells: the same tasks and seeds for all methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from instructzero.bench.results import Cell, Mark

REFERENCE = "instructzero"
"""The method that the others are compared with; a bench without it uses the best ranked method."""
DIGITS = 12
"""Mean scores are equal if they agree in this number of decimals: (0.1 + 0.2) / 2 is 0.15."""

Part = Literal["test", "validation"]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """``values[i][j]`` is the mean score of ``methods[j]`` on ``tasks[i]`` over the seeds: n tasks, k methods."""

    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if not self.methods or not self.tasks:
            raise ValueError("expected scores of at least one method on at least one task, got none")
        if [len(row) for row in self.values] != [len(self.methods)] * len(self.tasks):
            raise ValueError(f"expected a row of {len(self.methods)} scores for each of {len(self.tasks)} tasks")

    @property
    def array(self) -> Array:
        """The values, shape (n, k)."""
        return np.asarray(np.round(self.values, DIGITS), dtype=np.float64)

    @property
    def means(self) -> dict[str, float]:
        """The mean score of each method over the tasks."""
        return dict(zip(self.methods, self.array.mean(axis=0).tolist(), strict=True))

    def of(self, method: str) -> Array:
        """Return the scores of one method, shape (n,)."""
        return self.array[:, self.methods.index(method)]


def mark_at(cell: Cell, budget: int) -> Mark | None:
    """Return the mark of the cell at ``budget`` calls, or None if it has no such mark."""
    return next((mark for mark in cell.marks if mark.budget == budget), None)


def comparable(cells: Sequence[Cell], budget: int) -> list[Cell]:
    """Return the cells with a mark at ``budget`` whose task and seed every method has; for one pair of models only."""
    marked = [cell for cell in cells if mark_at(cell, budget) is not None]
    runs: dict[str, set[tuple[str, int]]] = {cell.method: set() for cell in cells}
    for cell in marked:
        runs[cell.method].add((cell.task, cell.seed))
    common = set.intersection(*runs.values()) if runs else set()
    return [cell for cell in marked if (cell.task, cell.seed) in common]


def scores_at(cells: Sequence[Cell], budget: int, part: Part = "test") -> Scores:
    """Return the mean scores at ``budget`` over the seeds.

    Parameters
    ----------
    cells
        The cells of one pair of models; only those in `comparable` count.
    budget
        Calls to the black box.
    part
        The examples that are scored on.

    Raises
    ------
    ValueError
        If there is no task and seed with a mark of every method.
    """
    kept = comparable(cells, budget)
    methods, tasks = in_order(cell.method for cell in kept), sorted({cell.task for cell in kept})
    found: dict[tuple[str, str], list[float]] = {}
    for cell in kept:
        mark = mark_at(cell, budget)
        assert mark is not None  # comparable() keeps only cells with a mark
        found.setdefault((cell.task, cell.method), []).append(mark.test if part == "test" else mark.validation)
    rows = (tuple(float(np.mean(found[task, method])) for method in methods) for task in tasks)
    return Scores(tuple(methods), tuple(tasks), tuple(rows))


def in_order(methods: Iterable[str]) -> list[str]:
    """Return the distinct methods sorted by name, the reference first."""
    return sorted(set(methods), key=lambda name: (name != REFERENCE, name))


def budgets_of(cells: Sequence[Cell]) -> list[int]:
    """Return the budgets of all cells in rising order, without duplicates."""
    return sorted({mark.budget for cell in cells for mark in cell.marks})
