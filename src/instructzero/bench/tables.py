"""The bench's tables, as Markdown for reading and CSV for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from instructzero.bench.comparisons import Comparison, Reach, differences_of, outcomes
from instructzero.bench.ranks import Ranking
from instructzero.bench.results import Cell
from instructzero.bench.scores import Scores, comparable, scores_at

ROW = (
    "models", "method", "task", "seed", "budget", "validation", "confirmation", "test", "calls", "prompt_tokens",
    "completion_tokens", "usd", "seconds", "instruction",
)  # fmt: skip
"""The columns of `rows`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of text, the first column the rows' names; ``best`` has the (row, column) of best values."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"expected {len(self.header)} values in every row, as the header has")

    def markdown(self) -> str:
        """A Markdown table; the best values are bold."""
        lines = [_line(map(_cell, self.header)), _line(["---", *["---:"] * (len(self.header) - 1)])]
        for number, row in enumerate(self.rows):
            texts = [_cell(text) for text in row]
            lines.append(
                _line(f"**{text}**" if (number, place) in self.best else text for place, text in enumerate(texts))
            )
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        return to_csv([self.header, *self.rows])


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Lines of comma-separated values, quoted where they need it; None is empty."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def rows(cells: Iterable[Cell]) -> list[tuple[object, ...]]:
    """One row for each mark of each cell, with the columns of `ROW`; usage, cost and seconds are the whole cell's."""
    return [
        (
            cell.models, cell.method, cell.task, cell.seed, mark.budget, mark.validation, mark.confirmation, mark.test,
            cell.usage.calls, cell.usage.prompt_tokens, cell.usage.completion_tokens, cell.usd, cell.seconds,
            mark.instruction,
        )
        for cell in cells
        for mark in (cell.plain, *cell.marks)
    ]  # fmt: skip


def task_table(cells: Sequence[Cell], budget: int) -> Table:
    """The mean test scores on each task, the plain instruction's beside them, their mean, and the average ranks."""
    scores, ranking = scores_at(cells, budget), Ranking.of(scores_at(cells, budget))
    plain = plain_scores(comparable(cells, budget))
    body = [
        (task, *map(score, values), score(plain[task]))
        for task, values in zip(scores.tasks, scores.values, strict=True)
    ]
    best = {
        (row, int(column) + 1)
        for row, values in enumerate(scores.array)
        for column in np.flatnonzero(values == values.max())
        if values.min() < values.max()
    }
    means = ("mean", *(score(scores.means[method]) for method in scores.methods), score(np.mean(list(plain.values()))))
    ranks = ("average rank", *(f"{ranking.rank_of(method):.2f}" for method in scores.methods), "")
    return Table(("task", *scores.methods, "plain"), (*body, means, ranks), frozenset(best))


def plain_scores(cells: Sequence[Cell]) -> dict[str, float]:
    """The plain instruction's mean test score over the seeds, by task."""
    by_task: dict[str, dict[int, float]] = {}
    for cell in cells:
        by_task.setdefault(cell.task, {})[cell.seed] = cell.plain.test
    return {task: float(np.mean(list(found.values()))) for task, found in by_task.items()}


def pair_table(scores: Scores) -> Table:
    """Tasks won – tied – lost by the method of the row against that of the column."""

    def entry(first: str, second: str) -> str:
        if first == second:
            return ""
        return "–".join(map(str, outcomes(differences_of(scores, first, second))))

    body = tuple((first, *(entry(first, second) for second in scores.methods)) for first in scores.methods)
    return Table(("won – tied – lost", *scores.methods), body)


def difference_table(pairs: Sequence[Comparison]) -> Table:
    """How much better the first method is than each other, with interval, adjusted p-value and a verdict."""
    first = pairs[0].first if pairs else "method"
    body = tuple(
        (
            pair.second,
            f"{pair.difference:+.3f}",
            f"{pair.low:+.3f} to {pair.high:+.3f}",
            p_value(pair.p_value),
            f"{pair.wins}–{pair.ties}–{pair.losses}",
            verdict(pair),
        )
        for pair in pairs
    )
    return Table((f"{first} against", "difference", "95 % interval", "p (Holm)", "won–tied–lost", "verdict"), body)


def verdict(pair: Comparison) -> str:
    """Whether the difference is shown to be more than chance."""
    if not pair.shown:
        return "not shown"
    return "better" if pair.difference > 0 else "worse"


def reach_table(found: Sequence[Reach]) -> Table:
    """The calls a run that each method needs for the mean validation score that the best of the others ends with."""
    body = tuple(
        (each.method, each.rival, score(each.score), f"{each.rival_calls:,}", count(each.calls)) for each in found
    )
    return Table(("method", "best rival", "its final validation score", "its calls", "calls to reach it"), body)


def cost_table(cells: Sequence[Cell]) -> Table:
    """What a run of each method asked for and took, on average over the cells."""
    methods = list(dict.fromkeys(cell.method for cell in cells))
    body = []
    for method in methods:
        own = [cell for cell in cells if cell.method == method]
        tokens = [cell.usage.prompt_tokens + cell.usage.completion_tokens for cell in own]
        prices = [cell.usd for cell in own if cell.usd is not None]
        usd = f"${np.mean(prices):,.4f}" if len(prices) == len(own) else "unknown"
        seconds = f"{np.mean([cell.seconds for cell in own]):,.1f}"
        calls = f"{np.mean([cell.usage.calls for cell in own]):,.0f}"
        body.append((method, str(len(own)), calls, f"{np.mean(tokens):,.0f}", usd, seconds))
    return Table(("method", "runs", "calls a run", "tokens", "cost", "seconds"), tuple(body))


def score(value: float | np.floating) -> str:
    return f"{value:.3f}"


def count(calls: int | None) -> str:
    return "never" if calls is None else f"{calls:,}"


def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
