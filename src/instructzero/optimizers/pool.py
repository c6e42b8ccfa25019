"""A fixed pool of soft prompts, for the methods that choose among its points.

Notation: n points of the pool, each z of shape (d,); h the size of a representation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.optimizers.base import Represent, sobol_points
from instructzero.types import Candidate, Trial

SIZE = 500
"""The number of points in a pool. The papers use 10,000, which their writers represent and decode on a GPU."""


class Pool:
    """The first n scrambled Sobol points in [-1, 1]^d for a seed, and the writer's representations of them.

    >>> pool = Pool(dimension=2, seed=0, size=8, represent=lambda points: torch.tensor(points, dtype=torch.float64))
    >>> len(pool.points), tuple(pool.features.shape), pool.position(pool.points[3])
    (8, (8, 2), 3)
    """

    def __init__(self, *, dimension: int, seed: int, represent: Represent, size: int = SIZE) -> None:
        """Draw the points; ``represent`` is called at most once, with all of them, when ``features`` is first read."""
        unit = sobol_points(seed, dimension, size)
        self.points: tuple[tuple[float, ...], ...] = tuple(map(tuple, (2 * unit - 1).tolist()))
        self._represent = represent
        self._position = {z: position for position, z in enumerate(self.points)}

    def __len__(self) -> int:
        return len(self.points)

    def position(self, z: tuple[float, ...] | None) -> int | None:
        """Return the position of z among the points; None if it is not one of them."""
        return None if z is None else self._position.get(z)

    @cached_property
    def features(self) -> Tensor:
        """Representations with zero mean and unit deviation in every coordinate, (n, h); 0 where all are equal.

        Raises
        ------
        ModelError
            If a representation is missing or not finite.
        """
        raw = self._represent(self.points).double()
        if len(raw) != len(self) or not bool(raw.isfinite().all()):
            raise ModelError(
                f"expected finite representations of {len(self)} points, got {tuple(raw.shape)} with "
                f"{int((~raw.isfinite()).sum())} that are not; load the writer in a wider dtype, such as bfloat16"
            )
        centred = raw - raw.mean(0)
        deviation = centred.square().mean(0).sqrt()
        return torch.where(deviation > 1e-9, centred / deviation.clamp_min(1e-9), 0.0)


class PoolRecord:
    """The known results of a pool: the text of every written point, and the score of every evaluated text.

    It does not depend on how the trials are divided among calls of `tell`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.texts: dict[int, str] = {}
        """The text at a position of the pool, for the positions that were written."""
        self.scores: dict[str, float] = {}
        """The score of an evaluated text, in the order of the trials."""

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Add trials with their scores, and the texts of the candidates that were not chosen."""
        self.scores |= {trial.instruction: trial.score for trial in trials}
        self.texts |= self.texts_of([trial.candidate for trial in trials])
        self.texts |= self.texts_of(unpaid)

    def texts_of(self, candidates: Sequence[Candidate]) -> Mapping[int, str]:
        """Return the texts of those candidates that are points of the pool, by position."""
        located = ((self._pool.position(candidate.proposal.z), candidate.instruction) for candidate in candidates)
        return {position: text for position, text in located if position is not None}

    def fresh(self, candidates: Sequence[Candidate]) -> list[int]:
        """Return the positions, in order, of the first candidate of every text that is not evaluated yet."""
        first = {candidate.instruction: index for index, candidate in reversed(list(enumerate(candidates)))}
        return sorted(index for text, index in first.items() if text not in self.scores)

    def scored(self) -> list[int]:
        """Return the positions whose text has a score, whichever point it was evaluated at."""
        return sorted(position for position, text in self.texts.items() if text in self.scores)

    def open(self) -> Tensor:
        """Return a number for the text of every position that is not evaluated, and -1 for the others; shape (n,).

        Positions with an empty text have -1 too: such a text is never evaluated.
        Positions with the same known text have the same number; a position that was never written has its own.
        """
        first: dict[str, int] = {}
        numbers = list(range(len(self._pool)))
        for position, text in sorted(self.texts.items()):
            numbers[position] = -1 if text in self.scores or not text else first.setdefault(text, position)
        return torch.tensor(numbers)
