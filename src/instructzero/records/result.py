"""The result of a run, with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from instructzero.records.endings import Endings
from instructzero.records.label_results import LabelResults
from instructzero.records.uncertainty import score_interval, score_interval_method, score_test
from instructzero.statistics import PairedTest
from instructzero.terminal import short
from instructzero.types import Evaluation, Example, Trial, Usage

REFERENCES = {"plain": "the plain instruction", "baseline": "your instruction"}
"""The reference instructions that the best one is compared with, and their names in a sentence."""


@dataclass(frozen=True, slots=True)
class Scored:
    """An instruction with its results on validation, test and, where there are such examples, confirmation."""

    instruction: str
    validation: Evaluation
    test: Evaluation
    confirmation: Evaluation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the scores (means in [0, 1]) and their 95 % intervals as JSON values."""
        parts = {"validation": self.validation, "confirmation": self.confirmation, "test": self.test}
        return {
            "instruction": self.instruction,
            **{f"{name}_score": part.score for name, part in parts.items() if part},
            "intervals": {name: _interval(part) for name, part in parts.items() if part},
        }


@dataclass(frozen=True, slots=True)
class Result:
    """The best instruction, the references that it is compared with, and all trials.

    Parameters
    ----------
    best
        The winner.
    plain
        The writer's instruction for the exemplars alone, without a soft prompt; ``best`` itself if none scored higher.
    trials
        All trials in order.
    usage
        The usage of the black box by the run, answers from the call store included.
    baseline
        The user's own instruction; ``best`` itself if none scored higher.
    leaks
        The exemplars that ``best`` copies.
    spent
        The usage that was paid, by role.
    sampled
        True if the black box accepts no temperature, so that its answers are samples although greedy ones were asked.
    endings
        The counts of the answers that are empty, cut off, filtered, refused or not given.
    labels
        The results by label, if the answers are a few labels.
    remarks
        What is doubtful about the data, one sentence each.
    """

    best: Scored
    plain: Scored
    trials: tuple[Trial, ...]
    usage: Usage
    baseline: Scored | None = None
    leaks: tuple[Example, ...] = ()
    spent: Mapping[str, Usage] = field(default_factory=dict)
    sampled: bool = False
    endings: Endings = field(default_factory=Endings)
    labels: LabelResults = field(default_factory=LabelResults)
    remarks: tuple[str, ...] = ()

    @property
    def instruction(self) -> str:
        """The best instruction."""
        return self.best.instruction

    @property
    def validation_score(self) -> float:
        """The score of the best instruction on the validation examples."""
        return self.best.validation.score

    @property
    def test_score(self) -> float:
        """The score of the best instruction on the test examples."""
        return self.best.test.score

    @property
    def distinct_instructions(self) -> int:
        """The number of different instructions among the trials."""
        return len({trial.instruction for trial in self.trials})

    def comparisons(self) -> dict[str, PairedTest]:
        """Return paired tests, on the test examples, of the best instruction against the references, by name."""
        references = {"plain": self.plain, "baseline": self.baseline}
        return {
            name: score_test(self.best.test, reference.test)
            for name, reference in references.items()
            if reference is not None and reference.instruction != self.instruction
        }

    def warnings(self) -> list[str]:
        """Return the reasons to doubt the result, one sentence per reason."""
        endings = self.endings.warnings(hopeless=self.best.test.mean == 0)
        return [*self.remarks, *endings, *self._no_better(), *self._leaking(), *self._disagreeing(), *self._sampled()]

    def _no_better(self) -> Iterator[str]:
        """Yield a sentence for every reference that the best instruction does not beat significantly."""
        for name, test in self.comparisons().items():
            found = f"(95 % interval {test.low:+.3f} to {test.high:+.3f}, p = {test.p_value:.2g})"
            if test.high < 0:
                yield (
                    f"On the test examples the best instruction is worse than {REFERENCES[name]} by "
                    f"{-test.difference:.3f} {found}."
                )
            elif test.low <= 0:
                yield (
                    f"On the test examples the best instruction differs from {REFERENCES[name]} by "
                    f"{test.difference:+.3f}, within noise {found}."
                )

    def _leaking(self) -> Iterator[str]:
        if self.leaks:
            shown = ", ".join(repr(short(leak.input, 60)) for leak in self.leaks[:3])
            yield f"The best instruction copies training examples ({shown}): its score may not carry over."

    def _disagreeing(self) -> Iterator[str]:
        known = self.best.validation + self.best.confirmation if self.best.confirmation else self.best.validation
        before, after = score_interval(known), score_interval(self.best.test)
        if after.high < before.low or before.high < after.low:
            yield (
                f"Validation ({known.score:.3f}) and test ({self.test_score:.3f}) disagree by more than chance "
                "explains: the examples of the search may not be like the test examples."
            )

    def _sampled(self) -> Iterator[str]:
        if self.sampled:
            yield (
                "The black box accepts no temperature, so its answers are samples: asked again, it may answer and "
                "score differently."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``result.json``: scores are means in [0, 1], intervals have a level of 95 %."""
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
            **self.endings.to_dict(),
            **self.labels.to_dict(),
            "usage": asdict(self.usage),
            "spent": {role: asdict(usage) for role, usage in self.spent.items()},
        }


def _interval(evaluation: Evaluation) -> dict[str, Any]:
    interval = score_interval(evaluation)
    return {"low": interval.low, "high": interval.high, "method": score_interval_method(evaluation)}
