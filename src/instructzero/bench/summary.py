"""The result of a bench on the terminal and as JSON: the ranking of the methods at each budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from instructzero.bench.findings import rank_words
from instructzero.bench.ranks import Ranking
from instructzero.bench.results import Cell
from instructzero.bench.scores import budgets_of, comparable, scores_at
from instructzero.terminal import paragraph, unbroken


@dataclass(frozen=True, slots=True)
class Standing:
    """The ranking of the methods with one pair of models at one budget, and their mean test scores over the tasks."""

    models: str
    budget: int
    seeds: int
    ranking: Ranking
    means: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as values that JSON can hold; the methods are in the order of their ranks."""
        ranked = zip(self.ranking.methods, self.ranking.ranks, strict=True)
        return {
            "models": self.models,
            "budget": self.budget,
            "tasks": self.ranking.tasks,
            "seeds": self.seeds,
            "methods": [{"method": name, "rank": rank, "test_score": self.means[name]} for name, rank in ranked],
            "p_value": self.ranking.p_value,
            "critical_difference": self.ranking.critical_difference,
        }


def standings(cells: Sequence[Cell]) -> Iterator[Standing]:
    """Yield a standing for each pair of models and each budget in rising order.

    Only tasks and seeds that every method has finished count.
    """
    for models in sorted({cell.models for cell in cells}):
        own = [cell for cell in cells if cell.models == models]
        for budget in budgets_of(own):
            if kept := comparable(own, budget):
                scores = scores_at(kept, budget)
                seeds = len({cell.seed for cell in kept})
                yield Standing(models, budget, seeds, Ranking.of(scores), scores.means)


def to_dict(cells: Sequence[Cell], out: Path) -> dict[str, Any]:
    """Return the rankings in the order of `standings`; scores are means in [0, 1], the best average rank is 1."""
    return {
        "directory": str(out),
        "report": str(out / "report.html"),
        "runs": len(cells),
        "rankings": [standing.to_dict() for standing in standings(cells)],
    }


def print_summary(console: Console, cells: Sequence[Cell], out: Path, written: Sequence[Path]) -> None:
    """Print ranks and scores for each pair of models and budget, what the tests say, and the files ``written``."""
    for standing in standings(cells):
        console.print()
        paragraph(console, f"{standing.models}, {standing.budget:,} calls", style="bold")
        paragraph(console, " rank  test score  method", style="dim")
        for name, rank in zip(standing.ranking.methods, standing.ranking.ranks, strict=True):
            paragraph(console, f"{rank:5.2f}  {standing.means[name]:10.3f}  {name}")
        if len(standing.means) > 1:
            paragraph(console, rank_words(standing.ranking, standing.seeds))
    console.print()
    names = dict.fromkeys(path.relative_to(out).parts[0] for path in written)
    paragraph(console, f"Results in {unbroken(str(out))}: {', '.join(names)}")
    paragraph(console, f"Report: open {unbroken(str(out / 'report.html'))} in a browser")
