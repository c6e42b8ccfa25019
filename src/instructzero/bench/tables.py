"""The tables of a bench, as Markdown for readers and CSV for other programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from instructzero.bench.comparisons import Comparison, Reach, differences_of, outcomes
from instructzero.bench.means import PLAIN, means_at, over_tasks
from instructzero.bench.ranks import Ranking
from instructzero.bench.results import Cell
from instructzero.bench.scores import Scores, scores_at
from instructzero.exports.spreadsheet import without_formula

ROW = (
    "models", "method", "task", "seed", "budget", "validation", "confirmation", "test", "calls", "prompt_tokens",
    "completion_tokens", "usd", "seconds", "instruction",
)  # fmt: skip
"""The columns of `rows`."""

_NUMBER = re.compile(r"$|[+-]?[$]?\d|<|never$|unknown$|no price set$")


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of text. The first column names the rows.

    ``best`` holds the (row, column) of the best values, and ``links`` the relative address that a text leads to.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()
    links: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"expected {len(self.header)} values in every row, as the header has")

    def markdown(self) -> str:
        """Return the table as Markdown; the best values are bold."""
        rules = ["---:" if place and self.is_numeric(place) else "---" for place in range(len(self.header))]
        lines = [_line(map(as_markdown, self.header)), _line(rules)]
        for number, row in enumerate(self.rows):
            lines.append(_line(self._shown(text, (number, place)) for place, text in enumerate(row)))
        return "\n".join(lines) + "\n"

    def is_numeric(self, place: int) -> bool:
        """Return True if all values of a column are numbers, or words in the place of one."""
        return all(_NUMBER.match(row[place]) for row in self.rows)

    def _shown(self, text: str, place: tuple[int, int]) -> str:
        """Return a value as Markdown: bold if it is the best, or with its link."""
        shown = as_markdown(text)
        if place in self.links:
            return f"[{shown}]({self.links[place]})"
        return f"**{shown}**" if place in self.best else shown

    def csv(self) -> str:
        """Return the table as comma-separated values."""
        return to_csv([self.header, *self.rows])


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def as_markdown(text: str) -> str:
    """Return a text as Markdown, on one line; nothing in it is markup."""
    return re.sub(r"[\\|<>\[\]`*~&$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", " ".join(text.split()))


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return lines of comma-separated values, quoted if necessary; None becomes an empty value.

    Texts that a spreadsheet would compute are changed as in `without_formula`.
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(map(without_formula, row) for row in rows)
    return buffer.getvalue()


def rows(cells: Iterable[Cell]) -> list[tuple[object, ...]]:
    """Return one row for each mark of each cell, with the columns of `ROW`.

    Usage, cost in dollars and seconds are those of the whole cell.
    """
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
    """Return the mean test scores on each task with their standard errors over the seeds, then means and ranks.

    The last column is that of the plain instruction. Without several seeds there is no standard error.
    """
    scores, ranking = scores_at(cells, budget), Ranking.of(scores_at(cells, budget))
    means = means_at(cells, budget)
    columns = (*scores.methods, PLAIN)
    body = [(task, *(str(means[task, method]) for method in columns)) for task in scores.tasks]
    best = {
        (row, int(column) + 1)
        for row, values in enumerate(scores.array)
        for column in np.flatnonzero(values == values.max())
        if values.min() < values.max()
    }
    overall = ("mean", *(str(over_tasks(means, method)) for method in columns))
    ranks = ("average rank", *(f"{ranking.rank_of(method):.2f}" for method in scores.methods), "")
    return Table(("task", *columns), (*body, overall, ranks), frozenset(best))


def pair_table(scores: Scores) -> Table:
    """Return the tasks won – tied – lost by the method of the row against the method of the column."""

    def entry(first: str, second: str) -> str:
        if first == second:
            return ""
        return "–".join(map(str, outcomes(differences_of(scores, first, second))))

    body = tuple((first, *(entry(first, second) for second in scores.methods)) for first in scores.methods)
    return Table(("won – tied – lost", *scores.methods), body)


def difference_table(pairs: Sequence[Comparison]) -> Table:
    """Return the differences between the first method and every other, with interval, p-value and verdict."""
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
    return Table(
        (f"{first} compared with", "difference", "95 % interval", "p (Holm)", "won–tied–lost", "verdict"), body
    )


def verdict(pair: Comparison) -> str:
    """Return a word for a comparison: better, worse or not significant."""
    if not pair.shown:
        return "not significant"
    return "better" if pair.difference > 0 else "worse"


def reach_table(found: Sequence[Reach]) -> Table:
    """Return the calls per run that each method needs to reach the final mean validation score of its best rival."""
    body = tuple(
        (reach.method, reach.rival, score(reach.score), f"{reach.rival_calls:,}", count(reach.calls)) for reach in found
    )
    return Table(
        ("method", "best rival", "final validation score of the rival", "calls of the rival", "calls to reach it"), body
    )


def cost_table(cells: Sequence[Cell]) -> Table:
    """Return calls, tokens, cost and wall-clock seconds per run of each method, averaged over the cells."""
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
    return Table(("method", "runs", "calls per run", "tokens", "cost", "seconds"), tuple(body))


def score(value: float | np.floating) -> str:
    """Return a score with three decimals."""
    return f"{value:.3f}"


def count(calls: int | None) -> str:
    """Return a number of calls, or ``never`` for None."""
    return "never" if calls is None else f"{calls:,}"


def p_value(value: float) -> str:
    """Return a p-value with three decimals; a smaller one as ``< 0.001``."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
