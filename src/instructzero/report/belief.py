"""The predictions of the surrogate before a round, beside the scores that were observed in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NoReturn

from instructzero.models.registry import is_asked
from instructzero.optimizers.base import Predictor
from instructzero.optimizers.registry import Materials, build_optimizer, is_code
from instructzero.report.source import Record, Source
from instructzero.report.trajectory import evenly
from instructzero.types import Trial

MAX_FITS = 8
"""The maximum number of rounds for which the surrogate is fitted again, evenly spread. One fit takes up to 0.5 s."""

MAX_EVALUATIONS, MAX_TEXTS = 200, 1500
"""The largest data for which it is fitted: evaluations, and written texts. The time grows with their third power."""

MIN_EVALUATIONS = 5
"""The fewest earlier evaluations with which a prediction is shown."""

Beliefs = dict[int, list[Record]]
"""Predictions and observed scores by round. They have no table rows, because rows change while a run is in progress."""


def belief_of(source: Source, numbers: Mapping[str, int], known: Beliefs | None = None) -> Record:
    """Return the predictions for the evaluations of some rounds, each made from the evaluations before its round.

    Parameters
    ----------
    source
        The run.
    numbers
        The row of every instruction.
    known
        Predictions of an earlier report of the same run. They are reused, and new ones are added in place.

    Returns
    -------
    ``points``: one record per evaluation with the predicted ``mean``, its standard deviation ``sd`` and the
    observed ``outcome``. ``sd`` combines the surrogate's own ``doubt`` with the sampling noise p (1 − p) / k of a
    mean over k examples. ``within`` and ``within_two`` count the outcomes within one and two ``sd``. ``rounds``
    are the rounds shown, out of ``eligible``. If there is nothing to predict, the only key is ``note``, which
    says why.
    """
    known = {} if known is None else known
    if is_code(source.settings.method):
        return {"note": "The method is code of the user's own, which a report does not run: there are no predictions."}
    soft_prompts = not is_asked(source.settings.writer)
    optimizer = build_optimizer(source.settings, Materials(_no_writer, "", soft_prompts=soft_prompts))
    if not isinstance(optimizer, Predictor):
        return {
            "note": f"The method {source.settings.method} has no Gaussian process, so there are no predictions to show."
        }
    written = list(accumulate((len(entry.candidates) for entry in source.history.rounds), initial=0))
    starts = _starts(source, optimizer)
    fitting = [number for number, start in starts.items() if start <= MAX_EVALUATIONS and written[number] <= MAX_TEXTS]
    chosen = evenly(fitting, MAX_FITS)
    missing = [number for number in chosen if len(known.get(number, ())) < len(_predicted(source, optimizer, number))]
    _replay(source, optimizer, missing, known)
    texts = [trial.instruction for trial in source.history.trials]
    points = [{"row": numbers[texts[point["evaluation"] - 1]], **point} for number in chosen for point in known[number]]
    if not points:
        return {"note": "No round has been chosen from earlier scores yet, so there are no predictions to show."}
    return {
        "points": points,
        "rounds": chosen,
        "eligible": len(starts),
        "within": sum(abs(point["outcome"] - point["mean"]) <= point["sd"] for point in points),
        "within_two": sum(abs(point["outcome"] - point["mean"]) <= 2 * point["sd"] for point in points),
    }


def _no_writer(points: object) -> NoReturn:
    raise RuntimeError("a report loads no writer")


def _starts(source: Source, optimizer: Predictor) -> dict[int, int]:
    """Return the number of earlier evaluations of every round whose texts could be chosen from them."""
    modelled = [optimizer.predicts(trial.candidate) for trial in source.history.trials]
    return {
        number: trials[0].number
        for number, trials in source.trials_by_round.items()
        if sum(modelled[: trials[0].number]) >= MIN_EVALUATIONS
        and any(optimizer.predicts(trial.candidate) for trial in trials)
    }


def _predicted(source: Source, optimizer: Predictor, number: int) -> list[Trial]:
    """Return the evaluations of a round that the surrogate models, with the values that the optimiser receives."""
    trials = source.trials_by_round.get(number, [])
    return [source.objective.adjusted(trial) for trial in trials if optimizer.predicts(trial.candidate)]


def _replay(source: Source, optimizer: Predictor, missing: Sequence[int], known: Beliefs) -> None:
    """Pass the rounds to the optimiser in order, as the search did, and record predictions before the missing ones."""
    for entry in source.history.rounds[: max(missing, default=-1) + 1]:
        if entry.number in missing:
            known[entry.number] = _points(optimizer, _predicted(source, optimizer, entry.number))
        trials = [source.objective.adjusted(trial) for trial in source.trials_by_round.get(entry.number, [])]
        optimizer.tell(trials, entry.unpaid)


def _points(optimizer: Predictor, trials: Sequence[Trial]) -> list[Record]:
    means, doubts = optimizer.belief([trial.candidate for trial in trials])
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
    """Return the standard deviation of a mean over 0/1 scores, with Jeffreys' estimate of the share of ones."""
    share = (min(max(mean, 0.0), 1.0) * examples + 0.5) / (examples + 1)
    return math.sqrt(share * (1 - share) / examples)
