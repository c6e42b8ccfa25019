"""InstructZero (Algorithm 1 of Chen et al., 2024, arXiv 2306.03082): Bayesian optimisation of soft prompts.

Notation: d coordinates of z, q points that are asked about, n points in a set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from instructzero.bo.acquisition import Improvement, expected_improvement, log_expected_improvement
from instructzero.bo.batch import choose_best, choose_fantasised, choose_thompson
from instructzero.bo.search import Acquisition, ascend_from_starts, evolve_from_starts
from instructzero.bo.surrogate import CoupledGP, Observations, fit_surrogate, scale_of
from instructzero.optimizers.base import (
    Points,
    Predictor,
    aligned_scores,
    generator_for,
    proposed,
    sobol_points,
    torch_generator,
)
from instructzero.optimizers.metaprompts import fresh
from instructzero.optimizers.search_options import PAPER, SearchOptions
from instructzero.tasks.answers.text import normal_form
from instructzero.types import Candidate, Proposal, Trial

BOX = (-1.0, 1.0)
"""The box of the initial points and of the search, in every dimension of z."""

FANTASY_NOISE = 1e-2
"""Variance of a fantasised outcome, on the scale of the standardised scores."""

POOL = 1000
"""The number of points among which `maximiser="pool"` finds the candidates."""

ANYWHERE = 0.25
"""The share of random points among the candidates: the writer may give no new text around the best points."""


class InstructZero(Predictor):
    """Scrambled Sobol points first; then rounds of expected improvement on the instruction-coupled GP.

    >>> from instructzero.optimizers import REPAIRED
    >>> optimizer = InstructZero(dimension=10, seed=0, options=REPAIRED)
    >>> len(optimizer.ask(limit=20))
    20
    """

    def __init__(self, *, dimension: int, seed: int, options: SearchOptions = PAPER) -> None:
        self._dimension = dimension
        self._seed = seed
        self._options = options
        self._trials: list[Trial] = []
        self._written: list[Candidate] = []  # of trials and unpaid, in the order received
        self._surrogate: CoupledGP | None = None

    def ask(self, limit: int) -> list[Proposal]:
        """Return the next initial points, or the candidates of a round (lines 3 to 5)."""
        missing = self._options.initial - len(proposed(self._trials))
        if missing > 0:
            # Twice as many if texts are chosen afterwards, because some of them will be the same.
            count = min(missing, limit) * min(self._options.candidates, 2)
            return _proposals(self._initial_points(count))
        return _proposals(self._candidates(min(self._options.batch, limit) * self._options.candidates))

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of the new texts to evaluate, by ``batch_choice``."""
        remaining = self._options.initial - len(proposed(self._trials))
        limit = min(limit, remaining if remaining > 0 else self._options.batch)
        if self._options.candidates == 1:
            return super().choose(candidates, limit)
        new = fresh(candidates, self._trials)
        if remaining > 0:
            return new[:limit]
        if not new:
            return []
        points = np.array([candidates[position].proposal.point for position in new], dtype=np.float64)
        chosen = [new[position] for position in self._pick(points, limit)]
        return [*chosen, *(position for position in new if position not in chosen)][:limit]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Add the trials and the unpaid candidates; the surrogate is fitted again when it is next needed (line 8)."""
        self._surrogate = None
        self._trials.extend(trials)
        self._written.extend(trial.candidate for trial in proposed(trials))
        self._written.extend(unpaid)

    def belief(self, candidates: Sequence[Candidate]) -> tuple[Points, Points]:
        """Return the posterior means and standard deviations of the surrogate at the points of candidates, each (q,).

        They are on the scale of `outcome`, without the noise of an evaluation.
        """
        observations = self._observations()
        values = observations.scores.nanmean(1) if observations.values is None else observations.values
        scale = scale_of(values)
        points = torch.tensor([candidate.proposal.point for candidate in candidates], dtype=torch.float64)
        mean, variance = self._fitted().posterior(self._place(points))
        return (float(values.mean()) + scale * mean).numpy(), (scale * variance.sqrt()).numpy()

    def predicts(self, candidate: Candidate) -> bool:
        """Return True if a point alone determines the text."""
        return candidate.proposal.point is not None

    def outcome(self, trial: Trial) -> float:
        """Return the value of an evaluation that the search maximises, on the scale of `belief`."""
        return trial.score

    def _pick(self, points: Points, count: int) -> list[int]:
        """Return the positions of at most ``count`` of the points (q, d), in order of preference."""
        surrogate = self._fitted()
        mean, covariance = surrogate.joint_posterior(torch.from_numpy(points))
        best = float(surrogate.targets.max())
        if self._options.batch_choice == "thompson":
            return choose_thompson(
                mean, covariance, count, torch_generator(generator_for(self._seed, len(self._written)))
            )
        if self._options.batch_choice == "fantasised":
            return choose_fantasised(mean, covariance, best, count, noise=FANTASY_NOISE, improvement=self._improvement)
        return choose_best(mean, covariance, best, count, improvement=self._improvement)

    def _initial_points(self, count: int) -> Points:
        """Return scrambled Sobol points in the box, shape (count, d), after those that were already written."""
        return self._spread(sobol_points(self._seed, self._dimension, count, begin=len(self._written)))

    def _spread(self, unit: Points) -> Points:
        """Map points of [0, 1]^d evenly onto the box or the sphere."""
        if self._options.geometry == "box":
            return np.asarray(BOX[0] + (BOX[1] - BOX[0]) * unit)
        normal = torch.special.ndtri(torch.from_numpy(unit.clip(1e-9, 1 - 1e-9)))
        return self._place(normal).numpy()

    def _place(self, points: Tensor) -> Tensor:
        """Project points (n, d) onto the sphere, where the geometry is one."""
        if self._options.geometry == "box":
            return points
        placed: Tensor = points / points.norm(dim=-1, keepdim=True).clamp_min(1e-9)
        return placed

    def _candidates(self, count: int) -> Points:
        """Return one point for each start, the most promising first; shape (count, d)."""
        generator = generator_for(self._seed, len(self._written))
        if self._options.maximiser == "pool":
            anywhere = int(ANYWHERE * count) if self._options.candidates > 1 else 0
            pool = self._pool(generator)
            wanted = pool[self._pick(pool, count - anywhere)]
            return np.concatenate([wanted, self._spread(generator.random((anywhere, self._dimension)))])
        points, values = self._maximise(self._acquisition(self._fitted()), self._starts(count, generator), generator)
        points = self._place(torch.from_numpy(points)).numpy()
        return np.asarray(points[np.argsort(-values, kind="stable")])

    def _pool(self, generator: np.random.Generator) -> Points:
        """Return random points, and steps of all sizes away from the best ones."""
        size = POOL // 2
        anywhere = self._spread(generator.random((size, self._dimension)))
        best = self._starts(self._options.batch, generator)
        origins = best[generator.integers(len(best), size=size)]
        steps = generator.standard_normal(origins.shape) * 10 ** generator.uniform(-1.5, 0, (size, 1))
        near = self._place(torch.from_numpy(np.clip(origins + steps, *BOX))).numpy()
        return np.concatenate([anywhere, near])

    def _starts(self, count: int, generator: np.random.Generator) -> Points:
        """Return the best evaluated points, filled up with random ones if texts are chosen afterwards."""
        located = sorted(self._located(), key=lambda pair: -self.outcome(pair[0]))
        top = np.array([points[0] for _, points in located[: min(self._options.batch, count)]], dtype=np.float64)
        more = count - len(top) if self._options.candidates > 1 else 0
        return np.concatenate([top, self._spread(generator.random((more, self._dimension)))])

    @property
    def _improvement(self) -> Improvement:
        return expected_improvement if self._options.acquisition == "ei" else log_expected_improvement

    def _acquisition(self, surrogate: CoupledGP) -> Acquisition:
        best = float(surrogate.targets.max())
        return lambda points: self._improvement(*surrogate.posterior(self._place(points)), best)

    def _maximise(
        self, acquisition: Acquisition, starts: Points, generator: np.random.Generator
    ) -> tuple[Points, Points]:
        options = self._options
        if options.maximiser == "gradient":
            return ascend_from_starts(acquisition, starts, box=BOX, iterations=50)
        return evolve_from_starts(
            acquisition,
            starts,
            box=BOX,
            sigma=options.sigma,
            population=options.population,
            generations=options.generations,
            seed=int(generator.integers(2**32)),
        )

    def _fitted(self) -> CoupledGP:
        """Return the surrogate of all trials, fitted from scratch."""
        if self._surrogate is None:
            self._surrogate = fit_surrogate(self._observations(), self._options.surrogate)
        return self._surrogate

    def _located(self) -> list[tuple[Trial, list[tuple[float, ...]]]]:
        """Return the evaluations of texts that a point alone determines, with these points.

        Where preimages are shared there is one for an instruction.
        """
        if not self._options.preimages:
            return [(trial, [point]) for trial in self._trials if (point := trial.proposal.point) is not None]
        points: dict[str, list[tuple[float, ...]]] = {}
        for candidate in self._written:
            if (point := candidate.proposal.point) is not None:
                points.setdefault(candidate.instruction, []).append(point)
        first = {trial.instruction: trial for trial in reversed(self._trials)}
        scored = sorted((first[text] for text in points if text in first), key=lambda trial: trial.number)
        return [(trial, list(dict.fromkeys(points[trial.instruction]))) for trial in scored]

    def _observations(self) -> Observations:
        located = self._located()
        trials = [trial for trial, _ in located]
        sizes = torch.tensor([len(points) for _, points in located])
        most = max(len(trial.evaluation.scores) for trial in trials)
        return Observations(
            points=torch.tensor([point for _, points in located for point in points], dtype=torch.float64),
            instruction=torch.arange(len(trials)).repeat_interleave(sizes),
            scores=aligned_scores(trial.evaluation.scores for trial in trials),
            predictions=[_answers(trial, most) for trial in trials],
        )


def _proposals(points: Points) -> list[Proposal]:
    return [Proposal(tuple(point)) for point in points.tolist()]


def _answers(trial: Trial, examples: int) -> list[str | None]:
    """Return the normalised answers of a trial, None where an example was not asked."""
    known = [normal_form(text) for text in trial.evaluation.predictions]
    return [*known, *[None] * (examples - len(known))]
