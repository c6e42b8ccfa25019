"""The default method with one decision of its surrogate taken away, as methods of a bench: `--methods` of a plan.

    methods:
      random: {method: "python:benchmarks.variants:RANDOM"}

`instructzero bench docs/benchmarks/ablation.yaml`, from the root of a checkout, compares them with the default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from instructzero.bo.acquisition import log_expected_improvement
from instructzero.bo.batch import choose_fantasised
from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.methods.instructzero import METHOD, construct
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.types import Evaluation

FANTASY_NOISE = 1e-4


class RandomChoice(ReadingInstructZero):
    """Pays for random texts among the same candidates."""

    def _pick(self, texts: Sequence[str], count: int) -> list[int]:
        return self._generator(1).permutation(len(texts))[:count].tolist()


class ImprovementChoice(ReadingInstructZero):
    """Pays for the texts of the greatest expected improvement, chosen together."""

    def _pick(self, texts: Sequence[str], count: int) -> list[int]:
        best = self._best()
        improvement = log_expected_improvement
        return choose_fantasised(*self._posterior(texts), best, count, noise=FANTASY_NOISE, improvement=improvement)


class RacingTest(ReadingInstructZero):
    """Leaves it to the race's test who is scored further."""

    def promising(self, results: Mapping[str, Evaluation], places: int) -> Collection[str] | None:  # type: ignore[override]
        """Return None."""
        return None


class Halving(ReadingInstructZero):
    """Scores the better half of the instructions further at every stage: successive halving."""

    def promising(self, results: Mapping[str, Evaluation], places: int) -> Collection[str]:
        """Return the better half, at least one, by their mean scores; of equals the first."""
        ranked = sorted(results, key=lambda text: -results[text].score)
        return set(ranked[: max(1, len(ranked) // 2)])


class RandomParents(ReadingInstructZero):
    """Continues random texts."""

    def _draw(self, count: int, generator: object) -> list[int]:
        return self._generator(0).permutation(len(self._scores()))[:count].tolist()


def _method(kind: type[ReadingInstructZero]) -> Method:
    def make(arguments: Arguments, materials: Materials) -> Optimizer:
        return construct(arguments, materials, kind)

    return replace(METHOD, summary=str(kind.__doc__), make=make)


RANDOM = _method(RandomChoice)
IMPROVEMENT = _method(ImprovementChoice)
RACE = _method(RacingTest)
HALVING = _method(Halving)
PARENTS = _method(RandomParents)
