"""The course of the search: the best score so far against calls and cost, and the scores of every round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from instructzero.calls.store import BLACK_BOX
from instructzero.report.source import Record, Source
from instructzero.types import Trial, Usage

Kind = TypeVar("Kind")

MAX_DOTS = 1500
"""The maximum number of evaluations drawn, in addition to those that were the best so far."""

MAX_ROUNDS = 40
"""The maximum number of boxes drawn. In longer runs, neighbouring rounds share a box."""

TOP = 0.15
"""The share of the best instructions that the paper plots over the rounds."""


def trajectory_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """Return every evaluation with the calls and dollars spent up to it, and those that raised the best value.

    Parameters
    ----------
    source
        The run.
    numbers
        The row of every instruction.

    Returns
    -------
    ``dots``: the evaluations, beginning with the plain instruction and the user's own. ``steps``: the dots that
    raised the best value; an instruction eliminated in a race cannot be one. ``evaluations``: their number in the
    journal. ``end``: the last dot. ``usd`` of a dot is the list price of the black-box calls so far, None if the
    price is unknown.
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
    kept = {id(dot) for dot in [*steps, *evenly(dots, MAX_DOTS)]}
    return {
        "dots": [dot for dot in dots if id(dot) in kept],
        "steps": steps,
        "evaluations": len(source.history.trials),
        "end": dots[-1] if dots else None,
    }


def evenly(values: Sequence[Kind], limit: int) -> list[Kind]:
    """Return at most ``limit`` of the values, evenly spread, including the first and the last."""
    if len(values) <= limit:
        return list(values)
    return [values[place] for place in np.linspace(0, len(values) - 1, limit).round().astype(int).tolist()]


def _dollars(source: Source, spent: Usage) -> float | None:
    price = source.prices.get(BLACK_BOX)
    return price.cost(spent) if price else None


def _spending(source: Source) -> Iterator[tuple[int, str, Usage]]:
    """Yield the number, the instruction and the usage so far of every evaluation; 0 is the number of a reference."""
    history, spent = source.history, Usage()
    if history.plain:
        spent += history.plain[1].usage
        yield 0, history.plain[0].instruction, spent
    if history.baseline:
        spent += history.baseline[1].usage
        yield 0, history.baseline[0], spent
    trials = iter(history.trials)
    for entry in history.rounds:
        spent += entry.usage  # texts are paid for before the first of them is scored
        for _, trial in zip(entry.chosen, trials, strict=False):
            spent += trial.evaluation.usage
            yield trial.number + 1, trial.instruction, spent


def rounds_of(source: Source) -> list[Record]:
    """Return the five-number summary of every round's values, and the top 15 % of all instructions so far.

    ``quantiles`` are the minimum, the quartiles and the maximum. ``top`` are the lowest, the mean and the highest value
    of the top 15 %. In long runs, neighbouring rounds from ``first`` to ``last`` are merged.
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
    """Return the trials by round, or by several neighbouring rounds if there are more than `MAX_ROUNDS`."""
    together = -(-len(rounds) // MAX_ROUNDS)
    pieces = [rounds[start : start + together] for start in range(0, len(rounds), max(1, together))]
    return [[trial for trials in piece for trial in trials] for piece in pieces]
