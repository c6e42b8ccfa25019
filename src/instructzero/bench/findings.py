"""What the cells say, in words, tables and figures: a section for each pair of models and budget.

`page` makes files of it; nothing here knows HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.bench import figures, tables
from instructzero.bench.comparisons import ENOUGH_TASKS, Comparison, compare_all, reaches
from instructzero.bench.ranks import Ranking
from instructzero.bench.results import Cell
from instructzero.bench.scores import REFERENCE, Scores, budgets_of, comparable, mark_at, scores_at
from instructzero.bench.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Captioned:
    """A table and what it shows."""

    caption: str
    table: Table


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, what it shows, and the name of its file."""

    name: str
    caption: str
    figure: Figure


Part = str | Captioned | Drawing
"""A paragraph, a table or a figure."""

_RANKS = (
    "Average ranks over the tasks by test score, 1 the best; a bar joins methods that are not shown to differ "
    "(Friedman's and Nemenyi's tests at 5 %)."
)
_CURVES = (
    "The best validation score after so many calls, mean over the tasks; the band is a 95 % interval for comparing "
    "the methods, with how hard each task is taken out."
)
_CONFIRMED = (
    "Tested is what each run would have returned then: of its best instructions and the plain one, that which did best "
    "on validation and confirmation examples together. The calls of that confirmation, about as many for every method, "
    "and those of the tests come on top of the budget."
)
_DIFFERENCES = (
    "Differences of the mean test score, with 95 % intervals (bootstrap over the tasks, the seeds averaged) and "
    "p-values (paired sign-flip test) adjusted by Holm for their number."
)
_REACH = (
    "Calls a run until the mean best validation score is what the best of the other methods ends with, beside that "
    "method's own."
)


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    parts: tuple[Part, ...]


def sections(cells: Sequence[Cell]) -> list[Section]:
    """For each pair of models a section for every budget in rising order, and one on cost and time."""
    found = []
    for models in sorted({cell.models for cell in cells}):
        own = [cell for cell in cells if cell.models == models]
        for budget in budgets_of(own):
            found.append(Section(f"{models}, {budget:,} calls", tuple(_at_budget(own, models, budget))))
        caption = "Of one run, on average: what its search asked for, and its wall-clock."
        found.append(Section(f"{models}, cost and time", (Captioned(caption, tables.cost_table(own)),)))
    return found


def _at_budget(cells: Sequence[Cell], models: str, budget: int) -> Iterator[Part]:
    kept = comparable(cells, budget)
    if len(kept) < len(cells):
        yield (
            f"Compared are {len(kept)} of {len(cells)} finished runs: those on tasks and with seeds that every method "
            f"has finished at this budget."
        )
    if not kept:
        return
    scores = scores_at(kept, budget)
    name = f"{models}-{budget}"
    if any(mark.confirmation is not None for cell in kept if (mark := mark_at(cell, budget))):
        yield _CONFIRMED
    if len(scores.methods) > 1:
        yield from _contest(scores, name, seeds=len({cell.seed for cell in kept}))
    yield Drawing(f"{name}-curves", _CURVES, figures.anytime_curves(kept, budget))
    if len(scores.methods) > 1:
        yield Captioned(_REACH, tables.reach_table(reaches(kept, budget)))
    yield Captioned(
        "Mean test score on each task, the best bold; plain is the instruction without a soft prompt.",
        tables.task_table(kept, budget),
    )
    yield Drawing(f"{name}-tasks", "The same as a picture.", figures.heat_map(scores))
    if len(scores.methods) > 1:
        yield from _winners(scores, reference_of(Ranking.of(scores)))


def _contest(scores: Scores, name: str, seeds: int) -> Iterator[Part]:
    """Who ranks where, and whether the differences are real."""
    ranking = Ranking.of(scores)
    pairs = sorted(compare_all(scores, reference_of(ranking)), key=lambda pair: pair.difference)
    yield rank_words(ranking, seeds)
    yield difference_words(scores, pairs)
    yield Drawing(f"{name}-ranks", _RANKS, figures.critical_difference_diagram(ranking))
    yield Captioned(_DIFFERENCES, tables.difference_table(pairs))


def _winners(scores: Scores, reference: str) -> Iterator[Part]:
    """Where each method wins, and where the reference loses."""
    yield Captioned("The tasks on which each method is best.", win_table(scores))
    lost = loss_table(scores, reference)
    if lost.rows:
        yield Captioned(f"The tasks on which a rival beats {reference}.", lost)
    else:
        yield f"No rival beats {reference} on any task."
    yield Captioned(
        "Tasks won, tied and lost by the method of the row against that of the column.", tables.pair_table(scores)
    )


def reference_of(ranking: Ranking) -> str:
    """The method that the others are compared with."""
    return REFERENCE if REFERENCE in ranking.methods else ranking.best


def rank_words(ranking: Ranking, seeds: int) -> str:
    """The order of the methods, and what Friedman's and Nemenyi's tests say of it."""
    named = [f"{name} ({rank:.2f})" for name, rank in zip(ranking.methods, ranking.ranks, strict=True)]
    firsts = ranking.ranks.count(ranking.ranks[0])
    has = "has" if firsts == 1 else "share"
    behind = f", before {listed(named[firsts : firsts + 2])}" if firsts < len(named) else ""
    order = (
        f"Over {_count(ranking.tasks, 'task')} with {_count(seeds, 'seed')} each, {listed(named[:firsts])} {has} "
        f"the best average rank of {len(named)} methods{behind}. "
    )
    test = "Friedman's test" if len(named) > 2 else "sign test"
    chance = f"{test}, p {_p(ranking.p_value)}"
    if not ranking.differ:
        return order + f"That may be chance: no method is shown to rank better than another ({chance})."
    told = [name for name in ranking.methods if ranking.distinct(ranking.best, name)]
    alike = [name for name in ranking.methods[1:] if name not in told]
    apart = f"The methods differ ({chance}), two of them when their ranks are {ranking.critical_difference:.2f} apart: "
    parts = [f"{ranking.best} is shown to rank better than {listed(told)}"] if told else []
    parts += (
        [f"{'not ' if told else f'{ranking.best} is not shown to rank '}better than {listed(alike)}"] if alike else []
    )
    return order + apart + ", but ".join(parts) + "."


def difference_words(scores: Scores, pairs: Sequence[Comparison]) -> str:
    """What the paired comparisons of mean scores say of the reference."""
    reference = pairs[0].first
    text = f"The mean test score of {reference} is {scores.means[reference]:.3f}: "
    groups = {
        "better than": [pair for pair in pairs if pair.shown and pair.difference > 0],
        "worse than": [pair for pair in pairs if pair.shown and pair.difference < 0],
        "not shown to differ from": [pair for pair in pairs if not pair.shown],
    }
    parts = [
        f"{words} {listed([f'{pair.second} ({pair.difference:+.3f})' for pair in found])}"
        for words, found in groups.items()
        if found
    ]
    few = f" Fewer than {ENOUGH_TASKS} tasks cannot show any difference." if len(scores.tasks) < ENOUGH_TASKS else ""
    return text + "; ".join(parts) + "." + few


def win_table(scores: Scores) -> Table:
    """The tasks that each method has to itself, and those on which it shares the first place."""
    array = scores.array
    best = array == array.max(axis=1, keepdims=True)
    contested = ~best.all(axis=1)
    body = []
    for place, method in enumerate(scores.methods):
        firsts = [row for row in range(len(array)) if best[row, place] and contested[row]]
        alone = [scores.tasks[row] for row in firsts if best[row].sum() == 1]
        shared = [scores.tasks[row] for row in firsts if best[row].sum() > 1]
        body.append((method, str(len(alone)), ", ".join(alone), str(len(shared)), ", ".join(shared)))
    return Table(("method", "alone", "on", "shared", "on "), tuple(body))


def loss_table(scores: Scores, reference: str) -> Table:
    """The tasks on which a rival scores higher than ``reference``, the largest gap and the best rival first."""
    own = scores.of(reference)
    found = []
    for task, mine, row in zip(scores.tasks, own, scores.array, strict=True):
        rivals = sorted(
            ((value, name) for value, name in zip(row, scores.methods, strict=True) if value > mine), reverse=True
        )
        if rivals:
            names = ", ".join(f"{name} {value:.3f}" for value, name in rivals)
            found.append((rivals[0][0] - mine, (task, f"{mine:.3f}", f"{rivals[0][0] - mine:.3f}", names)))
    rows = tuple(row for _, row in sorted(found, key=lambda each: (-each[0], each[1])))
    return Table(("task", reference, "behind by", "rivals"), rows)


def listed(names: Sequence[str]) -> str:
    """The names as a sentence has them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _p(value: float) -> str:
    text = tables.p_value(value)
    return text if text.startswith("<") else f"= {text}"
