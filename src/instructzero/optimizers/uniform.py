"""Uniform: the paper's baseline. The same writer and soft prompts, no optimisation."""

from __future__ import annotations

from collections.abc import Sequence

from instructzero.optimizers.base import Optimizer, generator_for
from instructzero.types import Candidate, Proposal, Trial


class Uniform(Optimizer):
    """z ~ U(-1, 1)^d, independent of what came before."""

    def __init__(self, *, dimension: int, seed: int, batch: int = 25) -> None:
        self._dimension = dimension
        self._seed = seed
        self._batch = batch
        self._told = 0

    def ask(self, limit: int) -> list[Proposal]:
        generator = generator_for(self._seed, self._told)
        points = generator.uniform(-1, 1, (min(self._batch, limit), self._dimension))
        return [Proposal(tuple(point)) for point in points.tolist()]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        self._told += len(trials)
