"""What a search had found when so many calls were spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from instructzero.journal import History
from instructzero.objective import Objective
from instructzero.types import Evaluation, Trial

Scored = tuple[str, Evaluation]
"""An instruction with its complete results on the validation examples."""

Step = tuple[int, Scored]
"""Calls spent so far, and the incumbent then."""


def steps_of(history: History, plain: Scored, examples: int, objective: Objective) -> list[Step]:
    """The steps of a search: the plain instruction's, and one after each trial scored on all the ``examples``.

    Calls are those of `History.search_usage`: having texts written, and scoring them; an instruction that raced and
    dropped out costs what it asked and cannot be the incumbent. The plain instruction, which comes before the search
    and costs it nothing, is the incumbent until a trial is at least as good; a trial, until one is better.
    """
    steps = [(0, plain)]
    for calls, trial in _spending(history):
        if len(trial.evaluation.scores) == examples:
            best, scored = steps[-1][1], (trial.instruction, trial.evaluation)
            gain = objective.value(*scored) - objective.value(*best)
            steps.append((calls, scored if gain > 0 or (gain == 0 and best is plain) else best))
    return steps


def incumbent_at(steps: Sequence[Step], budget: int) -> Scored:
    """The last incumbent within the budget."""
    return [best for calls, best in steps if calls <= budget][-1]


def _spending(history: History) -> Iterator[tuple[int, Trial]]:
    """Each trial with the calls spent when it was scored; a round's texts are paid before its first trial."""
    spent = 0
    for each in history.rounds:
        spent += each.usage.calls
        for trial in history.trials_of(each.number):
            spent += trial.evaluation.usage.calls
            yield spent, trial
