"""A search method outside of the package: keep the best point, and try its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero import Candidate, Optimizer, Proposal, Trial


class HillClimb(Optimizer):
    """Hill climbing: random points first, then steps of shrinking length around the best one.

    >>> climber = HillClimb(dimension=2, seed=0)
    >>> len(climber.ask(limit=100)), len(climber.ask(limit=3))
    (8, 3)
    """

    def __init__(self, *, dimension: int, seed: int, batch: int = 8) -> None:
        self._dimension, self._seed, self._batch = dimension, seed, batch
        self._trials: list[Trial] = []
        self._asked = 0

    def ask(self, limit: int) -> list[Proposal]:
        """Return the next points; equal trials give equal points, so that a stopped run can be resumed."""
        generator = np.random.default_rng([self._seed, self._asked])
        size = (min(self._batch, limit), self._dimension)
        known = [trial for trial in self._trials if trial.proposal.z is not None]
        if not known:
            return _proposals(generator.uniform(-1, 1, size))
        best = max(known, key=lambda trial: trial.score)
        step = 0.5 / (1 + len(known) / 25)
        return _proposals(np.clip(best.proposal.z + step * generator.standard_normal(size), -1, 1))

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Remember the scores."""
        self._trials += trials
        self._asked += len(trials) + len(unpaid)


def _proposals(points: np.ndarray) -> list[Proposal]:
    return [Proposal(tuple(point)) for point in points.tolist()]
