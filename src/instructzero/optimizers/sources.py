"""The sources of the texts among which the default method chooses, and the first of them: soft prompts.

Notation: d coordinates of z, n evaluated texts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from instructzero.optimizers.base import sobol_points
from instructzero.optimizers.metaprompts import beginning, propose, random_point, vary
from instructzero.types import Proposal, Trial

ENDS = 5
"""The number of endings that are written for one beginning, if they cost nothing."""


@dataclass(frozen=True)
class Evaluated:
    """The evaluated texts, and what the surrogate believes of them.

    Parameters
    ----------
    trials
        The first trial of each of the n texts.
    written
        The number of texts that were written, evaluated or not.
    means
        Returns the posterior means of the scores, (n,); n must not be 0.
    draw
        Returns the positions of at most ``count`` different texts by Thompson sampling: each is the best one under its
        own draw of the posterior. So the surrogate's doubt decides how far from the best one the search looks.
    """

    trials: Sequence[Trial]
    written: int
    means: Callable[[], list[float]]
    draw: Callable[[int, np.random.Generator], list[int]]


class Source(ABC):
    """Proposes the texts that are written for a round."""

    @abstractmethod
    def missing(self, initial: int, evaluated: int, written: int) -> int:
        """Return the number of texts that the first evaluations lack; at most 0 once the surrogate takes over.

        Parameters
        ----------
        initial
            The number of evaluations before the surrogate is first used.
        evaluated, written
            The numbers of texts so far that were evaluated and written, without instructions of the user's.
        """

    @abstractmethod
    def first(self, known: Evaluated, missing: int, limit: int, generator: np.random.Generator) -> list[Proposal]:
        """Return proposals for the first evaluations: ``missing`` texts, of which ``limit`` may still be paid for."""

    @abstractmethod
    def later(self, known: Evaluated, limit: int, generator: np.random.Generator) -> list[Proposal]:
        """Return proposals for a later round of at most ``limit`` evaluations."""


class SoftPrompts(Source):
    """Soft prompts at the points of a Sobol sequence; later also continuations of evaluated texts.

    Both are free for a local writer, so that more of them are proposed than a round can evaluate.

    Parameters
    ----------
    dimension
        d.
    seed
        The seed of the sequence.
    batch
        The number of evaluations in a later round.
    candidates
        The number of texts written for one evaluation of a later round.
    continued
        The share of these texts that continue the beginnings of evaluated ones. The others come from random points.
    ends
        The number of texts written for one beginning.
    """

    def __init__(
        self,
        *,
        dimension: int,
        seed: int,
        batch: int = 8,
        candidates: int = 5,
        continued: float = 0.5,
        ends: int = ENDS,
    ) -> None:
        self._dimension = dimension
        self._seed = seed
        self._ends = ends
        continuations = round(batch * candidates * continued)
        self._beginnings = math.ceil(continuations / ENDS) if continued else 0
        self._points = max(batch * candidates - continuations, 0 if continued else 1)

    def missing(self, initial: int, evaluated: int, written: int) -> int:
        """Return the number of evaluations that are missing: equal texts are replaced, which is free."""
        return initial - evaluated

    def first(self, known: Evaluated, missing: int, limit: int, generator: np.random.Generator) -> list[Proposal]:
        """Return twice as many points, because some of the texts will be the same."""
        return self._anywhere(2 * missing, known.written)

    def later(self, known: Evaluated, limit: int, generator: np.random.Generator) -> list[Proposal]:
        """Return random points, and beginnings that are each to be continued under several random soft prompts."""
        return [*self._anywhere(self._points, known.written), *self._continuations(known, generator)]

    def _anywhere(self, count: int, written: int) -> list[Proposal]:
        """Return scrambled Sobol points in [-1, 1]^d, after those that were already written."""
        unit = sobol_points(self._seed, self._dimension, count, begin=written)
        return [Proposal(tuple(row)) for row in (2 * unit - 1).tolist()]

    def _continuations(self, known: Evaluated, generator: np.random.Generator) -> list[Proposal]:
        proposals: list[Proposal] = []
        for position in known.draw(self._beginnings, generator):
            parent = known.trials[position].instruction
            start = beginning(parent, generator)
            points = [random_point(generator, self._dimension) for _ in range(self._ends)]
            proposals += [propose(vary(parent), start, z, generator) for z in points]
        return proposals
