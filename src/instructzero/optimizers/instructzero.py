"""InstructZero as the paper has it (Algorithm 1), with aligned scores, one box and one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.quasirandom import SobolEngine

from instructzero.bo.acquisition import expected_improvement
from instructzero.bo.search import Points, maximise_from_starts
from instructzero.bo.surrogate import InstructionCoupledGP
from instructzero.optimizers.base import generator_for
from instructzero.types import Proposal, Trial

BOX = (-1.0, 1.0)
"""The box of the initial points and of the search, in every dimension of z."""


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """The search of the paper's code; the defaults are the preset ``paper``."""

    initial: int = 25
    batch: int = 25
    sigma: float = 0.8
    population: int = 50
    generations: int = 10


class InstructZero:
    """Scrambled Sobol points first; then rounds of expected improvement on the instruction-coupled GP.

    Each round fits the GP to all trials and runs CMA-ES from the best ones, one new point from each start.
    """

    def __init__(self, *, dimension: int, seed: int, settings: PaperSettings | None = None) -> None:
        self._dimension = dimension
        self._seed = seed
        self._settings = settings or PaperSettings()
        self._trials: list[Trial] = []

    def ask(self, limit: int) -> list[Proposal]:
        told = len(self._trials)
        points = self._initial_points()[told:] if told < self._settings.initial else self._search()
        return [Proposal(tuple(point)) for point in points[:limit].tolist()]

    def tell(self, trials: Sequence[Trial]) -> None:
        self._trials.extend(trials)

    def _initial_points(self) -> Points:
        """Scrambled Sobol points in the box, shape (initial, d)."""
        seed = int(generator_for(self._seed, 0).integers(2**32))
        sobol = SobolEngine(self._dimension, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
        unit = sobol.draw(self._settings.initial, dtype=torch.float64).numpy()
        return np.asarray(BOX[0] + (BOX[1] - BOX[0]) * unit)

    def _search(self) -> Points:
        """One point from each of the best trials, the most promising first; shape (at most batch, d)."""
        observed, scores = self._observations()
        surrogate = InstructionCoupledGP.fit(torch.from_numpy(observed), torch.from_numpy(scores))
        best = float(surrogate.targets.max())

        def acquisition(points: Points) -> NDArray[np.float64]:
            mean, variance = surrogate.posterior(torch.from_numpy(points))
            return expected_improvement(mean, variance, best).numpy()

        order = np.argsort(-scores.mean(axis=1), kind="stable")[: self._settings.batch]
        points, values = maximise_from_starts(
            acquisition,
            observed[order],
            box=BOX,
            sigma=self._settings.sigma,
            population=self._settings.population,
            generations=self._settings.generations,
            seed=int(generator_for(self._seed, len(self._trials)).integers(2**32)),
        )
        return points[np.argsort(-values, kind="stable")]

    def _observations(self) -> tuple[Points, NDArray[np.float64]]:
        """The points, shape (n, d), and their aligned score vectors, shape (n, m)."""
        located = [trial for trial in self._trials if trial.proposal.z is not None]
        observed = np.array([trial.proposal.z for trial in located], dtype=np.float64)
        scores = np.array([trial.evaluation.scores for trial in located], dtype=np.float64)
        return observed, scores
