"""The objective of the search: the score of an instruction, minus a penalty for its length.

A score is the mean over the examples, or that of the set of answers (`Evaluation.score`). For a set, the scores of the
examples are their credits (`instructzero.tasks.classification.objectives`), whose mean is the score of the set. So
optimizers and races work with means in both cases. A set of answers to the first examples only has no score that could
be compared with others: its value is the mean of its credits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instructzero.errors import ConfigurationError
from instructzero.types import Evaluation, Trial

_PENALTY_UNIT = 100  # characters


@dataclass(frozen=True, slots=True)
class Objective:
    """The score minus ``length_penalty`` for every 100 characters of the instruction, pro rata.

    Parameters
    ----------
    length_penalty
        The penalty.
    labels
        The labels of all validation examples, if the metric scores the set of answers as a whole. Without them, the
        credits of the first examples are estimated from these alone.

    >>> Objective(length_penalty=0.1).scores("x" * 50, (1.0, 0.0, 1.0, 0.0))
    (0.9, 0.0, 0.9, 0.0)
    """

    length_penalty: float = 0.0
    labels: tuple[str, ...] = ()

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
        """Return the score minus the penalty, at least 0."""
        return max(0.0, self._score(evaluation) - self.penalty(instruction))

    def _score(self, evaluation: Evaluation) -> float:
        if evaluation.outcomes is None or evaluation.is_complete(len(self.labels)):
            return evaluation.score
        credits = self.credits(evaluation)
        return math.fsum(credits) / len(credits)

    def credits(self, evaluation: Evaluation) -> tuple[float, ...]:
        """Return a number for every example, at most 1: its score, or its credit, which may be negative."""
        return evaluation.scores if evaluation.outcomes is None else evaluation.outcomes.credits(self.labels)

    def race(self, instruction: str, evaluation: Evaluation, value: float) -> tuple[tuple[float, ...], float]:
        """Return what a race needs to decide whether the instruction may still reach ``value``.

        These are numbers in [0, 1] for the examples so far, and the mean over all examples that they must reach; it is
        above 1 if no answers suffice.
        """
        needed, credits = value + self.penalty(instruction), self.credits(evaluation)
        if evaluation.outcomes is None:
            return credits, needed
        loss = 1 - evaluation.outcomes.lowest_credit(self.labels)
        return tuple(max(0.0, 1 - (1 - credit) / loss) for credit in credits), max(0.0, 1 - (1 - needed) / loss)

    def is_perfect(self, instruction: str, evaluation: Evaluation) -> bool:
        """Return True if no instruction can have a higher value on the same examples."""
        return self.value(instruction, evaluation) >= 1

    def scores(self, instruction: str, scores: Sequence[float]) -> tuple[float, ...]:
        """Return scores of at most 1, aligned with ``scores``, whose mean is the instruction's value.

        All scores are multiplied by the same factor, so that the mean falls by exactly the penalty; subtracting the
        penalty from every score and clipping at 0 would not do that. A wrong answer stays at 0 and the order of the
        examples' scores stays the same. If the mean is not above the penalty, all scores are 0.
        """
        mean, penalty = math.fsum(scores) / len(scores), self.penalty(instruction)
        if mean >= 0 and (penalty == 0 or mean == 0):
            return tuple(scores)
        share = max(0.0, 1 - penalty / mean) if mean > 0 else 0.0
        return tuple(share * score for score in scores)

    def adjusted(self, trial: Trial) -> Trial:
        """Return the trial with the scores that the optimizer receives."""
        return replace(trial, evaluation=self.adjusted_evaluation(trial.instruction, trial.evaluation))

    def adjusted_evaluation(self, instruction: str, evaluation: Evaluation) -> Evaluation:
        """Return the results with the scores that the optimizer receives."""
        return replace(evaluation, scores=self.scores(instruction, self.credits(evaluation)), outcomes=None)
