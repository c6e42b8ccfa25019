"""What a run found, and how sure one may be of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from instructzero.statistics import PairedTest, interval_method, mean_interval, paired_test
from instructzero.terminal import short
from instructzero.types import Evaluation, Example, Trial, Usage

RIVALS = {"plain": "the plain instruction", "baseline": "your instruction"}
"""What the best instruction had to beat, and how to call it in a sentence."""


@dataclass(frozen=True, slots=True)
class Scored:
    """An instruction with its results on validation, test and, where there are such examples, confirmation."""

    instruction: str
    validation: Evaluation
    test: Evaluation
    confirmation: Evaluation | None = None

    def to_dict(self) -> dict[str, Any]:
        parts = {"validation": self.validation, "confirmation": self.confirmation, "test": self.test}
        return {
            "instruction": self.instruction,
            **{f"{name}_score": each.mean for name, each in parts.items() if each},
            "intervals": {name: _interval(each) for name, each in parts.items() if each},
        }


@dataclass(frozen=True, slots=True)
class Result:
    """The best instruction, what it had to beat, and every trial on the way.

    ``plain`` is the writer's instruction for the exemplars alone, without a soft prompt, and ``baseline`` the user's
    own; either is ``best`` itself when nothing scored higher. ``leaks`` are exemplars that ``best`` gives away.
    ``usage`` is what the run asked of the black box, ``spent`` what was paid for it, by role. ``sampled``: the black
    box takes no temperature, so that its answers are samples where the greedy ones were asked for.
    """

    best: Scored
    plain: Scored
    trials: tuple[Trial, ...]
    usage: Usage
    baseline: Scored | None = None
    leaks: tuple[Example, ...] = ()
    spent: Mapping[str, Usage] = field(default_factory=dict)
    sampled: bool = False

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

    def comparisons(self) -> dict[str, PairedTest]:
        """Paired tests, on the test examples, of the best instruction against the plain one and the user's own."""
        rivals = {"plain": self.plain, "baseline": self.baseline}
        return {
            name: paired_test(self.best.test.scores, rival.test.scores)
            for name, rival in rivals.items()
            if rival is not None and rival.instruction != self.instruction
        }

    def warnings(self) -> list[str]:
        """What should keep a user from trusting the result, one sentence each."""
        return [*self._no_better(), *self._leaking(), *self._disagreeing(), *self._sampled()]

    def _no_better(self) -> Iterator[str]:
        """Where the test does not bear out that the best instruction is better than what it had to beat."""
        for name, test in self.comparisons().items():
            found = f"(95 % interval {test.low:+.3f} to {test.high:+.3f}, p = {test.p_value:.2g})"
            if test.high < 0:
                yield (
                    f"On the test examples the best instruction is worse than {RIVALS[name]} by "
                    f"{-test.difference:.3f} {found}."
                )
            elif test.low <= 0:
                yield (
                    f"On the test examples the best instruction differs from {RIVALS[name]} by {test.difference:+.3f}, "
                    f"within noise {found}."
                )

    def _leaking(self) -> Iterator[str]:
        if self.leaks:
            shown = ", ".join(repr(short(each.input, 60)) for each in self.leaks[:3])
            yield f"The best instruction copies training examples ({shown}): what it scores may not carry over."

    def _disagreeing(self) -> Iterator[str]:
        known = self.best.validation + self.best.confirmation if self.best.confirmation else self.best.validation
        before, after = mean_interval(known.scores), mean_interval(self.best.test.scores)
        if after.high < before.low or before.high < after.low:
            yield (
                f"Validation ({known.mean:.3f}) and test ({self.test_score:.3f}) disagree by more than chance allows: "
                "the examples of the search may not be like the others."
            )

    def _sampled(self) -> Iterator[str]:
        if self.sampled:
            yield (
                "The black box refuses a temperature, so its answers are samples: asked again, it may answer otherwise "
                "and score differently."
            )

    def to_dict(self) -> dict[str, Any]:
        """The content of ``result.json``; scores are means in [0, 1], intervals have a level of 95 %."""
        best = self.best.to_dict()
        return {
            **best,
            "plain": self.plain.to_dict(),
            "baseline": None if self.baseline is None else self.baseline.to_dict(),
            "comparisons": {
                name: {
                    "difference": test.difference,
                    "low": test.low,
                    "high": test.high,
                    "p_value": test.p_value,
                }
                for name, test in self.comparisons().items()
            },
            "warnings": self.warnings(),
            "evaluations": len(self.trials),
            "distinct_instructions": self.distinct_instructions,
            "validation_examples": len(self.best.validation.scores),
            "confirmation_examples": len(self.best.confirmation.scores) if self.best.confirmation else 0,
            "test_examples": len(self.best.test.scores),
            "usage": asdict(self.usage),
            "spent": {role: asdict(usage) for role, usage in self.spent.items()},
        }


def _interval(evaluation: Evaluation) -> dict[str, Any]:
    interval = mean_interval(evaluation.scores)
    return {"low": interval.low, "high": interval.high, "method": interval_method(evaluation.scores)}
