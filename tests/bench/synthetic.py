"""Cells with given scores, as if they had been run."""

from collections.abc import Mapping, Sequence

from instructzero.bench.results import Cell, Mark
from instructzero.types import Usage


def mark(budget: int, score: float, instruction: str = "Do it.") -> Mark:
    right = round(100 * score)
    return Mark(budget, instruction, score, None, score, (1.0,) * right + (0.0,) * (100 - right))


def cell(
    method: str,
    task: str,
    scores: Mapping[int, float],
    *,
    seed: int = 0,
    models: str = "embedded",
    curve: Sequence[tuple[int, float]] = (),
    plain: float = 0.1,
    instruction: str = "Do it.",
    usd: float | None = 0.5,
) -> Cell:
    """Return a cell with these scores at these budgets, on validation and on test examples."""
    return Cell(
        method=method,
        task=task,
        models=models,
        seed=seed,
        curve=tuple(curve) or tuple((budget - 10, score) for budget, score in scores.items()),
        marks=tuple(mark(budget, score, instruction) for budget, score in scores.items()),
        plain=mark(0, plain, "plain words"),
        usage=Usage(max(scores), 1000, 100),
        usd=usd,
        seconds=12.0,
    )


def cells(table: Mapping[str, Sequence[float]], *, budget: int = 100, seeds: int = 1) -> list[Cell]:
    """Return a cell for every method of ``table``, task (``task-0``, ``task-1``, …) and seed, equal for all seeds."""
    return [
        cell(method, f"task-{number}", {budget: score}, seed=seed)
        for method, scores in table.items()
        for number, score in enumerate(scores)
        for seed in range(seeds)
    ]
