"""What a search method must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from instructzero.types import Candidate, Proposal, Trial

Represent = Callable[[Sequence[tuple[float, ...]]], Tensor]
"""What the writer makes of n points before it writes: the last layer's state at the last token, (n, h), float64."""


class Optimizer(ABC):
    """Proposes points and hears how they did: a pure function of (settings, what it was told so far).

    >>> from instructzero.optimizers import Uniform
    >>> optimizer = Uniform(dimension=2, seed=0, batch=3)
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [3, 2]

    A round is ``ask``, then the writer writes, then ``choose``, then the black box is paid for what was chosen, then
    ``tell``. The first two change no state: asked twice, they answer the same. Told in one piece or in several, the
    same rounds give the same next ``ask``, also in another process: that is what makes a resumed run continue where
    the uninterrupted one would be.
    """

    @abstractmethod
    def ask(self, limit: int) -> list[Proposal]:
        """At least one point to be written. Writing is free: a method that chooses may ask for more than ``limit``."""

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """The positions of the written candidates to pay for, at most ``limit``; none when nothing is worth it."""
        return list(range(min(limit, len(candidates))))

    @abstractmethod
    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """New trials in the order of their numbers, and the candidates that were written beside them but not chosen."""


def generator_for(seed: int, trials: int) -> np.random.Generator:
    """The random generator of the ask that follows ``trials`` told trials; never NumPy's global one."""
    return np.random.default_rng([seed, trials])
