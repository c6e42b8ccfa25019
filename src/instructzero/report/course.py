"""How the search got there: the best score against what it took, and the scores of each round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from instructzero.calls.store import BLACK_BOX
from instructzero.report.source import Record, Source
from instructzero.types import Trial, Usage

Kind = TypeVar("Kind")

MOST_DOTS = 1500
"""Evaluations that are drawn, besides those that were the best so far."""

MOST_ROUNDS = 40
"""Rounds that are drawn; of more, neighbours are drawn as one."""

TOP = 0.15
"""The share of the best instructions that the paper follows over the rounds."""


def course_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """Every evaluation with the calls and dollars up to it, and those at which the best value so far rose.

    ``usd`` is the black box's list price for what was asked, None where it is not known. The plain instruction and the
    user's own come first; an instruction that dropped out of its race cannot be the best.
    """
    dots, steps = [], []
    best = None
    for evaluation, text, spent in _spending(source):
        value = source.value(text)
        dot = {
            "evaluation": evaluation,
            "row": numbers[text],
            "value": value,
            "complete": source.is_complete(text),
            "calls": spent.calls,
            "usd": _dollars(source, spent),
        }
        if dot["complete"] and (best is None or value > best):
            best = value
            steps.append(dot)
        dots.append(dot)
    kept = {id(dot) for dot in [*steps, *evenly(dots, MOST_DOTS)]}
    return {
        "dots": [dot for dot in dots if id(dot) in kept],
        "steps": steps,
        "evaluations": len(source.history.trials),
        "end": dots[-1] if dots else None,
    }


def evenly(values: Sequence[Kind], most: int) -> list[Kind]:
    """At most so many of the values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[place] for place in np.linspace(0, len(values) - 1, most).round().astype(int).tolist()]


def _dollars(source: Source, spent: Usage) -> float | None:
    price = source.prices.get(BLACK_BOX)
    return price.cost(spent) if price else None


def _spending(source: Source) -> Iterator[tuple[int, str, Usage]]:
    """The number of each evaluation, what was evaluated, and all that was asked up to then; 0 for what is to beat."""
    history, spent = source.history, Usage()
    if history.plain:
        spent += history.plain[1].usage
        yield 0, history.plain[0].instruction, spent
    if history.baseline:
        spent += history.baseline[1].usage
        yield 0, history.baseline[0], spent
    trials = iter(history.trials)
    for each in history.rounds:
        spent += each.usage  # texts are paid for before the first of them is scored
        for _, trial in zip(each.chosen, trials, strict=False):
            spent += trial.evaluation.usage
            yield trial.number + 1, trial.instruction, spent


def rounds_of(source: Source) -> list[Record]:
    """The five-number summary of each round's values, and the top 15 % of all instructions up to then.

    ``top`` are the lowest, the mean and the highest value among these. Of many rounds, neighbours are taken together.
    """
    values: dict[str, float] = {}
    summaries = []
    for group in _grouped(list(source.trials_by_round.values())):
        mine = [source.objective.value(trial.instruction, trial.evaluation) for trial in group]
        values |= {trial.instruction: value for trial, value in zip(group, mine, strict=True)}
        best = sorted(values.values())[-max(1, round(TOP * len(values))) :]
        summaries.append(
            {
                "first": group[0].round,
                "last": group[-1].round,
                "evaluations": len(group),
                "quantiles": np.quantile(mine, [0, 0.25, 0.5, 0.75, 1]).tolist(),
                "top": [best[0], float(np.mean(best)), best[-1]],
            }
        )
    return summaries


def _grouped(rounds: Sequence[Sequence[Trial]]) -> list[list[Trial]]:
    """The trials of each round, or of as many neighbouring rounds as it takes."""
    together = -(-len(rounds) // MOST_ROUNDS)
    pieces = [rounds[start : start + together] for start in range(0, len(rounds), max(1, together))]
    return [[trial for each in piece for trial in each] for piece in pieces]
