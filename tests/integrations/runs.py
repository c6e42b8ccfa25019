"""The events of a run for observers."""

from __future__ import annotations

from collections.abc import Sequence

from instructzero.records.observers import Observer, RunPlan
from instructzero.types import Evaluation, Proposal, Trial, Usage, Writing

PLAN = RunPlan("words", "instructzero", evaluations=4, validation=4, test=10)
SCORES = ((0, 0), (1, 1, 1, 0), (1,), (1, 1, 0, 0))
"""Scores of the trials; the first and the third were eliminated in the race."""


def evaluation(scores: Sequence[float]) -> Evaluation:
    return Evaluation(tuple(map(float, scores)), ("",) * len(scores), Usage(len(scores)))


def trial(number: int) -> Trial:
    text = f"instruction {number}"
    return Trial(number, number // 2, Proposal((0.0,)), Writing(text, text), evaluation(SCORES[number]))


def tell(observer: Observer, trials: int = len(SCORES), *, finish: bool = True) -> None:
    """Send the events of a run with ``trials`` trials."""
    observer.run_started(PLAN)
    observer.plain_finished(Writing("plain", "plain"), evaluation((0, 1, 0, 0)))
    for number in range(trials):
        observer.trial_finished(trial(number))
    if finish:
        observer.run_finished()


EXPECTED = {
    "plain_score": [(0, 0.25)],
    "score": [(0, 0.0), (1, 0.75), (2, 1.0), (3, 0.5)],
    "best_score": [(0, 0.25), (1, 0.75), (2, 0.75), (3, 0.75)],
    "calls": [(0, 6.0), (1, 10.0), (2, 11.0), (3, 15.0)],
}
"""The steps and values that a tracker holds of the whole run, by name."""
