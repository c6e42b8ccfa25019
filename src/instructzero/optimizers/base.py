"""What a search method must offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from instructzero.types import Proposal, Trial


class Optimizer(Protocol):
    """Proposes points and hears how they did: a pure function of (settings, trials told so far).

    >>> from instructzero.optimizers import Uniform
    >>> optimizer = Uniform(dimension=2, seed=0, batch=3)
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [3, 2]

    ``ask(limit)`` returns between 1 and ``limit`` proposals and changes no state: asked twice, it answers the same.
    ``tell(trials)`` takes trials that were not told before, in the order of their numbers. Told in one piece or
    in several, the same trials give the same next ``ask``, also in another process: that is what makes a resumed
    run continue where the uninterrupted one would be.
    """

    def ask(self, limit: int) -> list[Proposal]: ...

    def tell(self, trials: Sequence[Trial]) -> None: ...


def generator_for(seed: int, trials: int) -> np.random.Generator:
    """The random generator of the ask that follows ``trials`` told trials; never NumPy's global one."""
    return np.random.default_rng([seed, trials])
