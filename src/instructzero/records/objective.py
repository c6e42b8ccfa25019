"""The objective of the search: the score of an instruction, minus a penalty for its length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instructzero.errors import ConfigurationError
from instructzero.types import Evaluation, Trial

_PENALTY_UNIT = 100  # characters


@dataclass(frozen=True, slots=True)
class Objective:
    """The mean score minus ``length_penalty`` for every 100 characters of the instruction, pro rata.

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
        """Return the penalty for the instruction's length, on the scale of the mean score."""
        return self.length_penalty * len(instruction) / _PENALTY_UNIT

    def value(self, instruction: str, evaluation: Evaluation) -> float:
        """Return the mean score minus the penalty, at least 0."""
        return max(0.0, evaluation.mean - self.penalty(instruction))

    def is_perfect(self, instruction: str, evaluation: Evaluation) -> bool:
        """Return True if no instruction can have a higher value on the same examples."""
        return self.value(instruction, evaluation) >= 1

    def scores(self, instruction: str, scores: Sequence[float]) -> tuple[float, ...]:
        """Return scores in [0, 1], aligned with ``scores``, whose mean is the instruction's value.

        All scores are multiplied by the same factor, so that the mean falls by exactly the penalty; subtracting the
        penalty from every score and clipping at 0 would not do that. A wrong answer stays at 0 and the order of the
        examples' scores stays the same. If the mean is not above the penalty, all scores are 0.
        """
        mean, penalty = math.fsum(scores) / len(scores), self.penalty(instruction)
        if penalty == 0 or mean == 0:
            return tuple(scores)
        share = max(0.0, 1 - penalty / mean)
        return tuple(share * score for score in scores)

    def adjusted(self, trial: Trial) -> Trial:
        """Return the trial with the scores that the optimizer receives."""
        scores = self.scores(trial.instruction, trial.evaluation.scores)
        return replace(trial, evaluation=replace(trial.evaluation, scores=scores))
