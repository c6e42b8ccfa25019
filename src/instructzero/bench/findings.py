"""The findings of a bench in words, tables and figures: a section for each pair of models and budget.

`page` writes them to files; nothing here depends on HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from instructzero.bench import figures, tables
from instructzero.bench.comparisons import ENOUGH_TASKS, Comparison, compare_all, reaches
from instructzero.bench.parts import Captioned, Drawing, Part, Section
from instructzero.bench.ranks import Ranking
from instructzero.bench.results import Cell
from instructzero.bench.scores import REFERENCE, Scores, budgets_of, comparable, mark_at, scores_at
from instructzero.bench.tables import Table

_RANKS = (
    "Average ranks over the tasks by test score; 1 is the best. Bars join methods whose ranks do not differ "
    "significantly (Friedman and Nemenyi tests at the 5 % level)."
)
_CURVES = (
    "Best validation score against the number of calls, mean over the tasks. The bands are 95 % intervals for "
    "comparing methods: differences in difficulty between the tasks are removed."
)
_CONFIRMED = (
    "The test scores are those of the instruction that each run would have returned at this budget: of its best "
    "instructions and the plain one, the one with the highest score on validation and confirmation examples together. "
    "The calls of the confirmation, about as many for every method, and those of the test are not part of the budget."
)
_DIFFERENCES = (
    "Differences of the mean test score, with 95 % intervals (bootstrap over the tasks, seeds averaged) and p-values "
    "(paired sign-flip test, Holm-adjusted)."
)
_COST = (
    "Averages per run: calls, tokens and cost of the search, and wall-clock time of the run. Runs share their answers, "
    "so less was paid: a call counts in every run that makes it, as if the run were alone."
)
_REACH = (
    "Calls per run that each method needs to reach the final mean best validation score of its best rival, and the "
    "calls that the rival itself needed."
)


def sections(cells: Sequence[Cell]) -> list[Section]:
    """Return, for each pair of models, a section for every budget in rising order and one on cost and time."""
    found = []
    for models in sorted({cell.models for cell in cells}):
        own = [cell for cell in cells if cell.models == models]
        for budget in budgets_of(own):
            found.append(Section(f"{models}, {budget:,} calls", tuple(_at_budget(own, models, budget))))
        found.append(Section(f"{models}, cost and time", (Captioned(f"{models}-cost", _COST, tables.cost_table(own)),)))
    return found


def _at_budget(cells: Sequence[Cell], models: str, budget: int) -> Iterator[Part]:
    kept = comparable(cells, budget)
    if len(kept) < len(cells):
        yield (
            f"The comparison covers {len(kept)} of {len(cells)} finished runs: those on tasks and seeds for which "
            f"every method has a result at this budget."
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
        yield Captioned(f"{name}-calls-to-reach", _REACH, tables.reach_table(reaches(kept, budget)))
    yield Captioned(f"{name}-test-scores", _scores_caption(kept), tables.task_table(kept, budget))
    yield Drawing(f"{name}-tasks", "The mean test scores as a heat map.", figures.heat_map(scores))
    if len(scores.methods) > 1:
        yield from _winners(scores, reference_of(Ranking.of(scores)), name)


def _contest(scores: Scores, name: str, seeds: int) -> Iterator[Part]:
    """Yield the ranking, the differences, and the tests of both."""
    ranking = Ranking.of(scores)
    pairs = sorted(compare_all(scores, reference_of(ranking)), key=lambda pair: pair.difference)
    yield rank_words(ranking, seeds)
    yield difference_words(scores, pairs)
    yield Drawing(f"{name}-ranks", _RANKS, figures.critical_difference_diagram(ranking))
    yield Captioned(f"{name}-differences", _DIFFERENCES, tables.difference_table(pairs))


def _scores_caption(cells: Sequence[Cell]) -> str:
    """Return the caption of the table of test scores, which says how exact they are."""
    seeds = len({cell.seed for cell in cells})
    exact = (
        f"Mean test score ± standard error over {seeds} seeds on each task; the error of a mean over the tasks takes "
        "the tasks as fixed"
        if seeds > 1
        else "Test score on each task; with one seed there is no standard error"
    )
    return (
        f"{exact}. The best is bold. The last column is that of the plain instruction, written without a soft prompt."
    )


def _winners(scores: Scores, reference: str, name: str) -> Iterator[Part]:
    """Yield the tasks on which each method wins, and those on which the reference loses."""
    wins = "Tasks on which each method has the best score, alone or shared with others."
    yield Captioned(f"{name}-wins", wins, win_table(scores))
    lost = loss_table(scores, reference)
    if lost.rows:
        yield Captioned(f"{name}-losses", f"Tasks on which a rival scores higher than {reference}.", lost)
    else:
        yield f"No rival scores higher than {reference} on any task."
    pairs = "Tasks won, tied and lost by the method of the row against the method of the column."
    yield Captioned(f"{name}-pairs", pairs, tables.pair_table(scores))


def reference_of(ranking: Ranking) -> str:
    """Return the method that the others are compared with."""
    return REFERENCE if REFERENCE in ranking.methods else ranking.best


def rank_words(ranking: Ranking, seeds: int) -> str:
    """Return a paragraph on the order of the methods and on the Friedman and Nemenyi tests of it.

    Parameters
    ----------
    ranking
        The ranking of at least two methods.
    seeds
        The number of seeds on each task.
    """
    named = [f"{name} ({rank:.2f})" for name, rank in zip(ranking.methods, ranking.ranks, strict=True)]
    firsts = ranking.ranks.count(ranking.ranks[0])
    has = "has" if firsts == 1 else "share"
    behind = f", followed by {listed(named[firsts : firsts + 2])}" if firsts < len(named) else ""
    order = (
        f"Over {_count(ranking.tasks, 'task')} with {_count(seeds, 'seed')} each, {listed(named[:firsts])} {has} "
        f"the best average rank of {len(named)} methods{behind}. "
    )
    test = f"{'Friedman' if len(named) > 2 else 'sign'} test, p {_p(ranking.p_value)}"
    if not ranking.differ:
        return order + f"The methods do not differ significantly ({test})."
    return order + (
        f"The methods differ significantly ({test}); two of them do if their ranks are at least "
        f"{ranking.critical_difference:.2f} apart (Nemenyi test). {_ahead_of(ranking)}"
    )


def _ahead_of(ranking: Ranking) -> str:
    """Return a sentence on the methods that the best one ranks significantly better than, and on the others."""
    worse = [name for name in ranking.methods if ranking.distinct(ranking.best, name)]
    alike = [name for name in ranking.methods[1:] if name not in worse]
    if not worse:
        return f"{ranking.best} does not rank significantly better than {listed(alike)}."
    rest = f", but not better than {listed(alike)}" if alike else ""
    return f"{ranking.best} ranks significantly better than {listed(worse)}{rest}."


def difference_words(scores: Scores, pairs: Sequence[Comparison]) -> str:
    """Return a paragraph on the mean test score of the reference and its differences from those of the other methods.

    Parameters
    ----------
    scores
        The mean scores of all methods.
    pairs
        The comparisons of the reference with every other method (`comparisons.compare_all`).
    """
    reference = pairs[0].first
    text = f"The mean test score of {reference} is {scores.means[reference]:.3f}: "
    groups = {
        "significantly higher than that of": [pair for pair in pairs if pair.shown and pair.difference > 0],
        "significantly lower than that of": [pair for pair in pairs if pair.shown and pair.difference < 0],
        "not significantly different from that of": [pair for pair in pairs if not pair.shown],
    }
    parts = [
        f"{words} {listed([f'{pair.second} ({pair.difference:+.3f})' for pair in found])}"
        for words, found in groups.items()
        if found
    ]
    too_few = (
        f" With fewer than {ENOUGH_TASKS} tasks no difference can be significant."
        if len(scores.tasks) < ENOUGH_TASKS
        else ""
    )
    return text + "; ".join(parts) + "." + too_few


def win_table(scores: Scores) -> Table:
    """Return the tasks on which each method alone is the best, and those on which it shares the first place."""
    array = scores.array
    best = array == array.max(axis=1, keepdims=True)
    contested = ~best.all(axis=1)
    body = []
    for place, method in enumerate(scores.methods):
        firsts = [row for row in range(len(array)) if best[row, place] and contested[row]]
        alone = [scores.tasks[row] for row in firsts if best[row].sum() == 1]
        shared = [scores.tasks[row] for row in firsts if best[row].sum() > 1]
        body.append((method, str(len(alone)), ", ".join(alone), str(len(shared)), ", ".join(shared)))
    return Table(("method", "wins", "tasks won", "shared", "tasks shared"), tuple(body))


def loss_table(scores: Scores, reference: str) -> Table:
    """Return the tasks on which a rival scores higher than ``reference``: the largest gap and the best rival first."""
    own = scores.of(reference)
    found = []
    for task, mine, row in zip(scores.tasks, own, scores.array, strict=True):
        rivals = sorted(
            ((value, name) for value, name in zip(row, scores.methods, strict=True) if value > mine), reverse=True
        )
        if rivals:
            names = ", ".join(f"{name} {value:.3f}" for value, name in rivals)
            found.append((rivals[0][0] - mine, (task, f"{mine:.3f}", f"{rivals[0][0] - mine:.3f}", names)))
    rows = tuple(row for _, row in sorted(found, key=lambda found: (-found[0], found[1])))
    return Table(("task", reference, "behind by", "rivals"), rows)


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _p(value: float) -> str:
    text = tables.p_value(value)
    return text if text.startswith("<") else f"= {text}"
