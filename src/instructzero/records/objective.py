"""What the search maximises: the score of an instruction, less a price for its length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instructzero.errors import ConfigurationError
from instructzero.types import Evaluation, Trial

_PENALTY_UNIT = 100  # characters


@dataclass(frozen=True, slots=True)
class Objective:
    """``length_penalty`` is taken from an instruction's mean score for every 100 characters, pro rata.

    >>> Objective(length_penalty=0.1).scores("x" * 50, (1.0, 0.0, 1.0, 0.0))
    (0.9, 0.0, 0.9, 0.0)
    """

    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.length_penalty) and self.length_penalty >= 0):
            raise ConfigurationError(
                f"expected a length penalty of 0 or more for every 100 characters, got {self.length_penalty}; "
                f"choose one such as 0.05"
            )

    def penalty(self, instruction: str) -> float:
        """What the instruction's length costs, on the scale of the mean score."""
        return self.length_penalty * len(instruction) / _PENALTY_UNIT

    def value(self, instruction: str, evaluation: Evaluation) -> float:
        """The mean score less the penalty, at least 0."""
        return max(0.0, evaluation.mean - self.penalty(instruction))

    def is_perfect(self, instruction: str, evaluation: Evaluation) -> bool:
        """Whether no instruction can be worth more on the same examples."""
        return self.value(instruction, evaluation) >= 1

    def scores(self, instruction: str, scores: Sequence[float]) -> tuple[float, ...]:
        """Scores in [0, 1], aligned with ``scores``, whose mean is the instruction's value.

        All shrink by one factor, so that the mean falls by exactly the penalty, which it would not if each were lowered
        alike and cut at 0. A wrong answer stays at 0 and examples keep their order: to the surrogate they are scores
        like any others. Instructions whose mean is not above their penalty are equal: all 0.
        """
        mean, penalty = math.fsum(scores) / len(scores), self.penalty(instruction)
        if penalty == 0 or mean == 0:
            return tuple(scores)
        share = max(0.0, 1 - penalty / mean)
        return tuple(share * score for score in scores)

    def adjusted(self, trial: Trial) -> Trial:
        """The trial as the optimiser shall see it."""
        scores = self.scores(trial.instruction, trial.evaluation.scores)
        return replace(trial, evaluation=replace(trial.evaluation, scores=scores))
