"""The reasons to stop a search before its last evaluation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from instructzero.records.history import Round
from instructzero.records.objective import Objective
from instructzero.types import Trial

FRUITLESS_ROUNDS, FRUITLESS_TEXTS = 3, 24
"""The search is exhausted after this many last rounds, with at least this many texts, without a new instruction."""


EXHAUSTED = "the writer produced no new instructions"
"""The reason to stop an exhausted search."""


def is_exhausted(rounds: Sequence[Round]) -> bool:
    """Return True if the last rounds found no new instruction to evaluate."""
    fruitless = list(itertools.takewhile(lambda round_: not round_.chosen, reversed(rounds)))
    texts = sum(len(round_.candidates) for round_ in fruitless)
    return len(fruitless) >= FRUITLESS_ROUNDS and texts >= FRUITLESS_TEXTS


def nothing_better(trials: Sequence[Trial], objective: Objective, examples: int, contenders: int) -> str | None:
    """Return the reason why no later instruction can win, or None if one can.

    None can win once as many instructions as there are ``contenders`` have the highest possible value on all validation
    ``examples``, because among equals the earlier one ranks higher.
    """
    complete = [trial for trial in trials if trial.evaluation.is_complete(examples)]
    perfect = {trial.instruction for trial in complete if objective.is_perfect(trial.instruction, trial.evaluation)}
    if len(perfect) < contenders:
        return None
    have = f"{len(perfect)} instruction{'s have' if len(perfect) > 1 else ' has'}"
    return f"{have} every validation example right, and no later instruction can rank higher"
