"""What the surrogate believed before each round, beside what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NoReturn

import numpy as np

from instructzero.optimizers import InstructZero
from instructzero.optimizers.registry import Materials, build_optimizer
from instructzero.report.course import evenly
from instructzero.report.source import Record, Source
from instructzero.types import Trial

MOST_FITS = 8
"""Rounds that the surrogate is fitted for again, evenly spread: each takes up to half a second."""

MOST_KNOWN, MOST_WRITTEN = 200, 1500
"""Evaluations, and points that were written, that it is fitted to at most: the time grows with their third power."""

LEAST_KNOWN = 5

Beliefs = dict[int, list[Record]]
"""The points of each round that the surrogate was fitted for, without their rows, which change as a run goes on."""


def belief_of(source: Source, numbers: Mapping[str, int], known: Beliefs | None = None) -> Record:
    """Predicted mean and standard deviation of each evaluation of some rounds, from what was known before its round.

    ``sd`` is what a score may be off by: the surrogate's own doubt, and the noise p (1 − p) / k of a mean over k
    examples. ``within`` of the ``points`` came out within one of it, ``within_two`` within two. A method without a
    Gaussian process over z has a ``note`` instead. ``known`` keeps what was fitted for a
    later report of the same run.
    """
    known = {} if known is None else known
    optimizer = build_optimizer(source.settings, Materials(_no_writer, ""))
    if not isinstance(optimizer, InstructZero):
        return {"note": f"The method {source.settings.method} has no Gaussian process whose belief could be shown."}
    written = list(accumulate((len(each.candidates) for each in source.history.rounds), initial=0))
    starts = _starts(source)
    fitting = [number for number, start in starts.items() if start <= MOST_KNOWN and written[number] <= MOST_WRITTEN]
    chosen = evenly(fitting, MOST_FITS)
    missing = [number for number in chosen if len(known.get(number, ())) < len(_predicted(source, number))]
    _replay(source, optimizer, missing, known)
    texts = [trial.instruction for trial in source.history.trials]
    points = [{"row": numbers[texts[each["evaluation"] - 1]], **each} for number in chosen for each in known[number]]
    if not points:
        return {"note": "No round was proposed yet on the ground of what was known before."}
    return {
        "points": points,
        "rounds": chosen,
        "eligible": len(starts),
        "within": sum(abs(point["outcome"] - point["mean"]) <= point["sd"] for point in points),
        "within_two": sum(abs(point["outcome"] - point["mean"]) <= 2 * point["sd"] for point in points),
    }


def _no_writer(points: object) -> NoReturn:
    raise RuntimeError("a report loads no writer")


def _starts(source: Source) -> dict[int, int]:
    """How many evaluations were known before each round whose points could be chosen by them."""
    return {
        number: trials[0].number
        for number, trials in source.trials_by_round.items()
        if trials[0].number >= LEAST_KNOWN and any(trial.proposal.point is not None for trial in trials)
    }


def _predicted(source: Source, number: int) -> list[Trial]:
    """The evaluations of a round of which the surrogate speaks, as the optimiser hears of them."""
    trials = source.trials_by_round.get(number, [])
    return [source.objective.adjusted(trial) for trial in trials if trial.proposal.point is not None]


def _replay(source: Source, optimizer: InstructZero, missing: Sequence[int], known: Beliefs) -> None:
    """Tell the optimiser round by round, as the search did, and ask for its belief before the missing ones."""
    for each in source.history.rounds[: max(missing, default=-1) + 1]:
        if each.number in missing:
            known[each.number] = _points(optimizer, _predicted(source, each.number))
        trials = [source.objective.adjusted(trial) for trial in source.trials_by_round.get(each.number, [])]
        optimizer.tell(trials, each.unpaid)


def _points(optimizer: InstructZero, trials: Sequence[Trial]) -> list[Record]:
    means, doubts = optimizer.belief(np.array([trial.proposal.point for trial in trials], dtype=np.float64))
    return [
        {
            "evaluation": trial.number + 1,
            "round": trial.round,
            "mean": mean,
            "doubt": doubt,
            "sd": math.hypot(doubt, _noise(mean, len(trial.evaluation.scores))),
            "outcome": optimizer.outcome(trial),
        }
        for trial, mean, doubt in zip(trials, means.tolist(), doubts.tolist(), strict=True)
    ]


def _noise(mean: float, examples: int) -> float:
    """The standard deviation of a mean of so many right or wrong answers, with Jeffreys' estimate for its share."""
    share = (min(max(mean, 0.0), 1.0) * examples + 0.5) / (examples + 1)
    return math.sqrt(share * (1 - share) / examples)
