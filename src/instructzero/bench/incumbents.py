"""What a search had found when so many calls were spent."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence

from instructzero.records.journal import History
from instructzero.records.objective import Objective
from instructzero.types import Evaluation, Trial

Scored = tuple[str, Evaluation]
"""An instruction with its complete results on the validation examples."""

Step = tuple[int, tuple[Scored, ...]]
"""Calls spent so far, and the best different instructions then, best first: never none."""


def steps_of(history: History, plain: Scored, examples: int, objective: Objective, most: int = 1) -> list[Step]:
    """The steps of a search: the plain instruction's, and one after each trial scored on all the ``examples``.

    Calls are those of `History.search_usage`: having texts written, and scoring them; an instruction that raced and
    dropped out costs what it asked and never stands among the best. Of equals the earlier trial is the better, and the
    plain instruction, which comes before the search and costs it nothing, the worst. A step has at most ``most``.
    """
    known = {plain[0]}
    ranked = [(-objective.value(*plain), True, 0, plain)]
    steps: list[Step] = [(0, (plain,))]
    for calls, trial in _spending(history):
        if len(trial.evaluation.scores) != examples:
            continue
        if trial.instruction not in known:
            known.add(trial.instruction)
            scored = trial.instruction, trial.evaluation
            insort(ranked, (-objective.value(*scored), False, trial.number, scored))
        steps.append((calls, tuple(scored for *_, scored in ranked[:most])))
    return steps


def standing_at(steps: Sequence[Step], budget: int) -> tuple[Scored, ...]:
    """The last of the steps within the budget."""
    return [best for calls, best in steps if calls <= budget][-1]


def _spending(history: History) -> Iterator[tuple[int, Trial]]:
    """Each trial with the calls spent when it was scored; a round's texts are paid before its first trial."""
    spent = 0
    for each in history.rounds:
        spent += each.usage.calls
        for trial in history.trials_of(each.number):
            spent += trial.evaluation.usage.calls
            yield spent, trial
