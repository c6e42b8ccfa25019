"""The result of a run, with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from instructzero.errors import ConfigurationError
from instructzero.records.endings import Endings
from instructzero.records.label_results import LabelResults
from instructzero.records.result_html import result_html
from instructzero.records.uncertainty import score_interval, score_interval_method, score_test
from instructzero.statistics import PairedTest
from instructzero.terminal import short
from instructzero.types import Evaluation, Example, Message, Trial, Usage

REFERENCES = {
    "plain": "the plain instruction",
    "baseline": "your instruction",
    "start": "the instruction that you started from",
    "challenger": "the best challenger",
}
"""The instructions that the best one is compared with, and their names in a sentence."""

_DOUBTED = ("plain", "baseline")
"""The references that the best instruction should beat; of the other two, the verdict says more."""


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


class InUse(Protocol):
    """The way to ask the black box of a run; `instructzero.use.Use` implements it."""

    @property
    def directory(self) -> Path:
        """The directory of the run."""
        ...

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that an input has."""
        ...

    def messages(self, instruction: str, inputs: str | Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the messages for an input."""
        ...

    def ask(self, instruction: str, inputs: str | Mapping[str, Any]) -> str:
        """Return the answer of the black box."""
        ...


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
        The instruction of the user's that the best one is compared with; ``best`` itself if none scored higher.
    starts
        The instructions of the user's from which the search started, the best on validation and confirmation first.
    challenger
        The best of all others, which had to be shown better than the first of ``starts``; see
        `instructzero.search.finale.Finale`. None without starts, and if there is no other instruction.
    leaks
        The exemplars that ``best`` copies.
    spent
        The usage that was paid, by role, with that of lost calls.
    lost
        The calls that may have been billed without an answer, by role; they are counted at their maximum.
    sampled
        True if the black box accepts no temperature, so that its answers are samples although greedy ones were asked.
    endings
        The counts of the answers that are empty, cut off, filtered, refused or not given.
    labels
        The results by label, if the answers are a few labels.
    remarks
        What is doubtful about the data, one sentence each.
    use
        The way to ask the black box of the run; None for a result that `instructzero.optimize` or `resume` did not
        return. Equality ignores it.
    """

    best: Scored
    plain: Scored
    trials: tuple[Trial, ...]
    usage: Usage
    baseline: Scored | None = None
    starts: tuple[Scored, ...] = ()
    challenger: Scored | None = None
    leaks: tuple[Example, ...] = ()
    spent: Mapping[str, Usage] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    sampled: bool = False
    endings: Endings = field(default_factory=Endings)
    labels: LabelResults = field(default_factory=LabelResults)
    remarks: tuple[str, ...] = ()
    use: InUse | None = field(default=None, repr=False, compare=False)

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
        """Return paired tests, on the test examples, of the best instruction against `references`, by name."""
        return {
            name: score_test(self.best.test, reference.test)
            for name, reference in self.references().items()
            if reference.instruction != self.instruction
        }

    def references(self) -> dict[str, Scored]:
        """Return the instructions beside the best one, by the names of `REFERENCES`.

        The start is the user's best instruction. It and the challenger are left out if they are the plain instruction
        or the baseline.
        """
        found = {name: scored for name in _DOUBTED if (scored := getattr(self, name)) is not None}
        texts = {scored.instruction for scored in found.values()}
        rivals = {"start": self.starts[0] if self.starts else None, "challenger": self.challenger}
        return found | {
            name: scored for name, scored in rivals.items() if scored is not None and scored.instruction not in texts
        }

    @property
    def verdict(self) -> str | None:
        """Whether to keep the user's instruction, in words; None if the search did not start from one."""
        if not self.starts:
            return None
        own, challenger = self.starts[0], self.challenger
        test = None if challenger is None else score_test(challenger.test, own.test)
        return verdict(test, len(own.test.scores), kept=self.instruction == own.instruction)

    def warnings(self) -> list[str]:
        """Return the reasons to doubt the result, one sentence per reason."""
        endings = self.endings.warnings(hopeless=self.best.test.mean == 0)
        return [*self.remarks, *endings, *self._no_better(), *self._leaking(), *self._disagreeing(), *self._sampled()]

    def _no_better(self) -> Iterator[str]:
        """Yield a sentence for every reference that the best instruction does not beat significantly."""
        compared = self.comparisons()
        for name, test in ((name, compared[name]) for name in _DOUBTED if name in compared):
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
            yield (
                f"The best instruction copies examples that its writer was shown ({shown}): its score may not carry "
                "over."
            )

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

    def messages(self, inputs: str | Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the messages with which the run asks the best instruction for an input, as in the OpenAI API.

        Parameters
        ----------
        inputs
            A text, or a mapping with the columns that the prompt shows.

        Raises
        ------
        ConfigurationError
            If a column is missing, or the result is not one of `instructzero.optimize` or `resume`.
        """
        return [asdict(message) for message in self._in_use().messages(self.instruction, inputs)]

    def ask(self, inputs: str | Mapping[str, Any]) -> str:
        """Return the answer of the run's black box to the best instruction and an input.

        The question has the prompt and the parameters of the run. The answer is kept in the run's call store, so that
        the same question is paid once. The limits of the run do not apply: nothing limits the cost of ``ask``.

        Parameters
        ----------
        inputs
            A text, or a mapping with the columns that the prompt shows.

        Raises
        ------
        ConfigurationError
            If a column is missing, or the result is not one of `instructzero.optimize` or `resume`.
        ModelError
            If the black box cannot be loaded, or refuses the question.
        EndpointError
            If the black box fails.
        """
        return self._in_use().ask(self.instruction, inputs)

    def _in_use(self) -> InUse:
        if self.use is None:
            raise ConfigurationError(
                "expected a result of instructzero.optimize or instructzero.resume, which know the black box, got one "
                "without a run; call resume with the directory of the run"
            )
        return self.use

    def _repr_html_(self) -> str:
        """Return the result for a notebook."""
        report = None if self.use is None else self.use.directory / "report.html"
        return result_html(self, report if report is not None and report.exists() else None)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``result.json``: scores are means in [0, 1], intervals have a level of 95 %."""
        best = self.best.to_dict()
        return {
            **best,
            "plain": self.plain.to_dict(),
            "baseline": None if self.baseline is None else self.baseline.to_dict(),
            "starts": [start.to_dict() for start in self.starts],
            "challenger": None if self.challenger is None else self.challenger.to_dict(),
            "verdict": self.verdict,
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
            "usage": self.usage.to_dict(),
            "spent": {role: usage.to_dict() for role, usage in self.spent.items()},
            "lost": dict(self.lost),
        }


def verdict(test: PairedTest | None, examples: int, *, kept: bool) -> str:
    """Return whether to keep the user's instruction, in words.

    Parameters
    ----------
    test
        The paired test of the challenger against the user's instruction; None if there is no challenger.
    examples
        The number of test examples.
    kept
        The user's instruction is the winner. With a penalty for length, it may be kept although the challenger scores
        higher, and a short challenger may win although it does not.

    >>> verdict(PairedTest(0.08, 0.03, 0.13, 0.002), 100, kept=False)
    'Switch: the new instruction is better by +0.08 [+0.03, +0.13] on 100 test examples.'
    """
    if test is None or (kept and test.low <= 0):
        return "Keep yours: no instruction was shown to be better."
    digits = 2 if abs(test.low) >= 0.005 else 3
    found = f"{test.difference:+.{digits}f} [{test.low:+.{digits}f}, {test.high:+.{digits}f}]"
    on = f"on {examples:,} test example{'' if examples == 1 else 's'}"
    if kept:
        return f"Keep yours: no instruction was shown to be better by more than its length costs ({found} {on})."
    if test.low <= 0:
        return f"Switch: the new instruction is shorter, which the length penalty rewards ({found} {on})."
    return f"Switch: the new instruction is better by {found} {on}."


def _interval(evaluation: Evaluation) -> dict[str, Any]:
    interval = score_interval(evaluation)
    return {"low": interval.low, "high": interval.high, "method": score_interval_method(evaluation)}
