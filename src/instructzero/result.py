"""What a run found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from instructzero.types import Evaluation, Trial, Usage


@dataclass(frozen=True, slots=True)
class Scored:
    """An instruction with its results on the validation and the test examples."""

    instruction: str
    validation: Evaluation
    test: Evaluation


@dataclass(frozen=True, slots=True)
class Result:
    """The best instruction, the plain one beside it, and every trial on the way.

    ``best`` has the highest validation score, the earliest on ties; the plain instruction (exemplars only, no soft
    prompt) is ``best`` itself when no trial scored higher.
    """

    best: Scored
    plain: Scored
    trials: tuple[Trial, ...]
    usage: Usage

    @property
    def instruction(self) -> str:
        return self.best.instruction

    @property
    def validation_score(self) -> float:
        return self.best.validation.mean

    @property
    def test_score(self) -> float:
        return self.best.test.mean

    @property
    def distinct_instructions(self) -> int:
        return len({trial.instruction for trial in self.trials})

    def to_dict(self) -> dict[str, Any]:
        """The content of ``result.json``; scores are means in [0, 1]."""
        return {
            "instruction": self.instruction,
            "validation_score": self.validation_score,
            "test_score": self.test_score,
            "plain": {
                "instruction": self.plain.instruction,
                "validation_score": self.plain.validation.mean,
                "test_score": self.plain.test.mean,
            },
            "evaluations": len(self.trials),
            "distinct_instructions": self.distinct_instructions,
            "validation_examples": len(self.best.validation.scores),
            "test_examples": len(self.best.test.scores),
            "usage": {
                "calls": self.usage.calls,
                "prompt_tokens": self.usage.prompt_tokens,
                "completion_tokens": self.usage.completion_tokens,
            },
        }
