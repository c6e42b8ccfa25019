"""The rounds of a method that first guesses instructions and then makes new texts from the evaluated ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.base import Optimizer, generator_for, proposed
from instructzero.optimizers.metaprompts import fresh, guesses
from instructzero.types import Candidate, Proposal, Trial


class TextOptimizer(Optimizer):
    """``initial`` guesses, then ``batch`` texts a round. Every new text is evaluated, none twice.

    ``ask`` returns at most ``limit`` proposals, because every text may be a paid call to the model that writes it.
    Guesses that give the same text are not replaced: a model would repeat its most likely answers.

    Parameters
    ----------
    dimension
        d, the number of coordinates of z.
    seed
        The seed of all random draws.
    demonstrations
        The exemplars as text, for the requests.
    initial, batch
        The number of texts in the first population, guesses and instructions of the user's together, and the number of
        texts in a later round.
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, initial: int, batch: int) -> None:
        self._dimension = dimension
        self._seed = seed
        self._demonstrations = demonstrations
        self._initial = initial
        self._batch = batch
        self._trials: list[Trial] = []
        self._given = 0  # the number of the user's instructions, which are members of the first population
        self._written = 0  # the number of other texts, evaluated or not

    def ask(self, limit: int) -> list[Proposal]:
        """Return the guesses that are missing, or the texts of the next round; at most ``limit``."""
        generator = generator_for(self._seed, self._written)
        missing = self._initial - self._given - self._written
        if missing > 0 or not self._trials:  # without one text that was worth evaluating, guess again
            count = min(missing if missing > 0 else self._batch, limit)
            return self._first(count, generator)
        return self._next(min(self._batch, limit), generator)

    def _first(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Return ``count`` guesses."""
        return guesses(self._demonstrations, count, generator, self._dimension)

    @abstractmethod
    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Return ``count`` proposals of texts made from the evaluated ones."""

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of the new texts, at most ``limit``."""
        return fresh(candidates, self._trials)[:limit]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Add the trials, and count all texts that were written."""
        own = proposed(trials)
        self._trials.extend(trials)
        self._given += len(trials) - len(own)
        self._written += len(own) + len(unpaid)
