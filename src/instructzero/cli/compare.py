"""A comparison of finished runs: paired tests of their best instructions on the same test examples.

Two runs are compared example by example, which requires the same test examples in the same order; the digests in their
journals show it. With more than one pair of runs, p-values are adjusted by the method of Holm (1979).
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from instructzero.calls.store import JUDGE
from instructzero.errors import ConfigurationError
from instructzero.finished_run import FinishedRun
from instructzero.records.uncertainty import score_interval, score_interval_method, score_test
from instructzero.statistics import PairedTest, holm
from instructzero.types import Evaluation

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """A comparison of two runs.

    Parameters
    ----------
    first, second
        Labels of the runs; the difference is ``first`` minus ``second``.
    examples
        Number of test examples.
    test
        The paired test.
    p_value
        The p-value of ``test``, adjusted for the number of pairs.
    alike
        True if both runs found the same instruction.
    """

    first: str
    second: str
    examples: int
    test: PairedTest
    p_value: float
    alike: bool

    @property
    def real(self) -> bool:
        """True if both the interval and the test exclude chance."""
        return self.p_value < SIGNIFICANCE and not self.test.low <= 0 <= self.test.high

    @property
    def sentence(self) -> str:
        """The conclusion in words."""
        if self.alike:
            return f"{self.first} and {self.second} found the same instruction."
        if not self.real:
            return (
                f"{self.first} and {self.second} do not differ significantly on {self.examples} test examples "
                f"(p = {self.p_value:.2g})."
            )
        better, worse = (self.first, self.second) if self.test.difference > 0 else (self.second, self.first)
        return (
            f"{better} is better than {worse} by {abs(self.test.difference):.3f}; "
            f"the difference is significant (p = {self.p_value:.2g})."
        )


@dataclass(frozen=True)
class Comparison:
    """The comparison of several runs.

    Parameters
    ----------
    runs
        The runs by label.
    pairs
        The pairs that were tested on the same examples.
    unpaired
        The labels of the other pairs.
    differing
        Conditions besides the instruction in which the runs differ.
    """

    runs: dict[str, FinishedRun]
    pairs: tuple[Pair, ...]
    unpaired: tuple[tuple[str, str], ...]
    differing: tuple[str, ...]

    def notes(self) -> Iterator[str]:
        """Yield the limits of the comparison, one sentence each."""
        if self.unpaired:
            yield (
                f"Not compared: {', '.join(f'{first} and {second}' for first, second in self.unpaired)}, because they "
                "were tested on different examples."
            )
        if self.differing:
            yield (
                f"The runs differ in {' and '.join(self.differing)}, so a difference may not be due to the instruction."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON content; scores are means in [0, 1], intervals have a level of 95 %."""
        first = next(iter(self.runs.values()))
        return {
            "task": first.header["task"],
            "metric": first.header["metric"],
            "runs": [{"label": label, **_described(run)} for label, run in self.runs.items()],
            "pairs": [
                {
                    "first": pair.first,
                    "second": pair.second,
                    "examples": pair.examples,
                    **asdict(pair.test),
                    "adjusted_p_value": pair.p_value,
                    "real": pair.real,
                    "sentence": pair.sentence,
                }
                for pair in self.pairs
            ],
            "notes": list(self.notes()),
        }


def read_runs(paths: Sequence[Path]) -> list[FinishedRun]:
    """Return the finished runs of two or more different directories; raise `ConfigurationError` for fewer."""
    if len({path.resolve() for path in paths}) < max(2, len(paths)):
        raise ConfigurationError(
            f"expected two or more different run directories, got {', '.join(map(str, paths))}; add another run"
        )
    return [FinishedRun.read(path) for path in paths]


def compare(runs: Sequence[FinishedRun]) -> Comparison:
    """Compare every run with every other; raise `ConfigurationError` for runs that cannot be compared."""
    for run in runs[1:]:
        _check_comparable(runs[0], run)
    labelled = {_label(position): run for position, run in enumerate(runs)}
    both = list(combinations(labelled, 2))
    same = {pair: _test_digest(labelled[pair[0]]) == _test_digest(labelled[pair[1]]) for pair in both}
    if not any(same.values()):
        raise ConfigurationError(
            f"expected two or more runs that were tested on the same examples, got {len(runs)} with different ones "
            f"({', '.join(str(run.path) for run in runs)}); compare runs with the same --seed and --test"
        )
    paired = [pair for pair in both if same[pair]]
    return Comparison(
        labelled,
        tuple(_compared(labelled, paired)),
        tuple(pair for pair in both if not same[pair]),
        tuple(_differing(runs)),
    )


def _compared(runs: dict[str, FinishedRun], pairs: Sequence[tuple[str, str]]) -> Iterator[Pair]:
    tests = [score_test(runs[first].test, runs[second].test) for first, second in pairs]
    adjusted = holm([test.p_value for test in tests])
    for (first, second), test, p_value in zip(pairs, tests, adjusted, strict=True):
        alike = runs[first].instruction == runs[second].instruction
        yield Pair(first, second, len(runs[first].test.scores), test, p_value, alike)


def _check_comparable(one: FinishedRun, other: FinishedRun) -> None:
    if one.header["task"] != other.header["task"] and _test_digest(one) != _test_digest(other):
        raise ConfigurationError(
            f"expected runs on the same task, got {one.header['task']!r} in {one.path} and {other.header['task']!r} in "
            f"{other.path}; compare runs on one task"
        )
    for name, ours in _scoring(one).items():
        theirs = _scoring(other)[name]
        if ours != theirs:
            raise ConfigurationError(
                f"expected runs with the same scoring, got the {name} {ours!r} in {one.path} and {theirs!r} in "
                f"{other.path}; compare runs with one {name}"
            )


def _scoring(run: FinishedRun) -> dict[str, Any]:
    """Return the settings that define the meaning of a score."""
    judge = run.header.get(JUDGE)
    return {
        "metric": run.header["metric"],
        "scoring": run.settings.scoring,
        "judge": judge,
        "judge_criteria": run.settings.judge_criteria if judge else None,
    }


def _differing(runs: Sequence[FinishedRun]) -> Iterator[str]:
    """Yield the other conditions of an answer that are not the same in all runs."""
    conditions: dict[str, list[Any]] = {
        "the black box": [run.blackbox for run in runs],
        "the shots": [(run.settings.shots, run.settings.shots and run.header["exemplars"]) for run in runs],
        "the length of answers": [run.settings.answer_tokens for run in runs],
        "the temperature": [run.settings.temperature for run in runs],
    }
    for name, values in conditions.items():
        if any(value != values[0] for value in values):
            yield name


def _test_digest(run: FinishedRun) -> str:
    return str(run.header["test"])


def _described(run: FinishedRun) -> dict[str, Any]:
    parts = {"validation": run.validation, "confirmation": run.confirmation, "test": run.test}
    return {
        "run": str(run.path),
        "method": run.settings.method,
        "seed": run.settings.seed,
        "instruction": run.instruction,
        **{name: _interval(part) for name, part in parts.items()},
        "usage": run.usage.to_dict(),
        "dollars": run.dollars(),
    }


def _interval(evaluation: Evaluation | None) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    interval = score_interval(evaluation)
    return {
        "score": evaluation.score,
        **asdict(interval),
        "method": score_interval_method(evaluation),
        "examples": len(evaluation.scores),
    }


def _label(position: int) -> str:
    """Return the label of a position: A to Z, then AA, AB, and so on.

    >>> _label(27)
    'AB'
    """
    before = _label(position // 26 - 1) if position >= 26 else ""
    return before + string.ascii_uppercase[position % 26]
