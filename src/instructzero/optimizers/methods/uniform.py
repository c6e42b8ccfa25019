"""Uniform: random search, the baseline of the paper. The same writer and soft prompts, without optimisation."""

from __future__ import annotations

from collections.abc import Sequence

from instructzero.optimizers.base import Optimizer, generator_for, proposed
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.types import Candidate, Proposal, Trial


class Uniform(Optimizer):
    """Rounds of ``batch`` points z ~ U(-1, 1)^d, independent of the scores.

    >>> len(Uniform(dimension=2, seed=0).ask(limit=100))
    25
    """

    def __init__(self, *, dimension: int, seed: int, batch: int = 25) -> None:
        self._dimension = dimension
        self._seed = seed
        self._batch = batch
        self._written = 0

    def ask(self, limit: int) -> list[Proposal]:
        """Return random points, at most ``limit``."""
        generator = generator_for(self._seed, self._written)
        points = generator.uniform(-1, 1, (min(self._batch, limit), self._dimension))
        return [Proposal(tuple(point)) for point in points.tolist()]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Count the texts that were written, evaluated or not."""
        self._written += len(proposed(trials)) + len(unpaid)


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Uniform(**arguments)


METHOD = Method(
    summary="random search over soft prompts, the baseline of the paper",
    make=_make,
    parts={"batch": "batch"},
    needs_soft_prompts=True,
)
