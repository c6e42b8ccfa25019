"""The best instructions of a search by the number of calls spent."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence

from instructzero.records.history import History
from instructzero.records.objective import Objective
from instructzero.types import Evaluation, Trial

Scored = tuple[str, Evaluation]
"""An instruction with its complete results on the validation examples."""

Step = tuple[int, tuple[Scored, ...]]
"""The calls spent so far, and the best different instructions at that point, best first; at least one."""


def steps_of(history: History, plain: Scored, examples: int, objective: Objective, limit: int = 1) -> list[Step]:
    """Return the steps of a search: that of the plain instruction, and one after every complete trial.

    Calls are those of `History.search_usage`: for writing texts, and for scoring them. An instruction that dropped out
    of its race costs the calls that it made, and is never among the best. Among equals the earlier trial ranks higher,
    and the plain instruction, which costs the search nothing, ranks last.

    Parameters
    ----------
    history
        The history of the search.
    plain
        The plain instruction with its results.
    examples
        The number of validation examples.
    objective
        Ranks the instructions.
    limit
        The maximum number of instructions in a step.
    """
    known = {plain[0]}
    ranked = [(-objective.value(*plain), True, 0, plain)]
    steps: list[Step] = [(0, (plain,))]
    for calls, trial in _spending(history):
        if not trial.evaluation.is_complete(examples):
            continue
        if trial.instruction not in known:
            known.add(trial.instruction)
            scored = trial.instruction, trial.evaluation
            insort(ranked, (-objective.value(*scored), False, trial.number, scored))
        steps.append((calls, tuple(scored for *_, scored in ranked[:limit])))
    return steps


def standing_at(steps: Sequence[Step], budget: int) -> tuple[Scored, ...]:
    """Return the best instructions of the last step within the budget."""
    return [best for calls, best in steps if calls <= budget][-1]


def _spending(history: History) -> Iterator[tuple[int, Trial]]:
    """Yield every trial with the calls spent once it was scored; a round's texts are paid before its first trial."""
    spent = 0
    for round_ in history.rounds:
        spent += round_.usage.calls
        for trial in history.trials_of(round_.number):
            spent += trial.evaluation.usage.calls
            yield spent, trial
