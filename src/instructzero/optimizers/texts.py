"""The round of a method that guesses instructions first and then makes new ones of those that it evaluated."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.base import Optimizer, generator_for
from instructzero.optimizers.metaprompts import fresh, guesses
from instructzero.types import Candidate, Proposal, Trial


class TextOptimizer(Optimizer):
    """``initial`` guesses, then ``batch`` texts a round; every new text is paid for, none twice.

    It asks for no more than may be paid for, because each text may be a paid call to the model that writes it. Guesses
    that come out the same are not made up for: a model that has said the likely things will say them again.
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, initial: int, batch: int) -> None:
        self._dimension = dimension
        self._seed = seed
        self._demonstrations = demonstrations
        self._initial = initial
        self._batch = batch
        self._trials: list[Trial] = []
        self._written = 0  # texts, evaluated or not

    def ask(self, limit: int) -> list[Proposal]:
        generator = generator_for(self._seed, self._written)
        missing = self._initial - self._written
        if missing > 0:
            return guesses(self._demonstrations, min(missing, limit), generator, self._dimension)
        return self._next(min(self._batch, limit), generator)

    @abstractmethod
    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """``count`` texts made of those evaluated."""

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        return fresh(candidates, self._trials)[:limit]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        self._trials.extend(trials)
        self._written += len(trials) + len(unpaid)
