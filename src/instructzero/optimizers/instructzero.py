"""InstructZero (Algorithm 1): the paper's search as a preset, and the repaired one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from instructzero.bo.acquisition import Improvement, expected_improvement, log_expected_improvement
from instructzero.bo.batch import choose_best, choose_fantasised, choose_thompson
from instructzero.bo.search import Acquisition, Points, ascend_from_starts, evolve_from_starts
from instructzero.bo.surrogate import CoupledGP, Observations, SurrogateOptions, fit_surrogate
from instructzero.optimizers.base import Optimizer, generator_for
from instructzero.optimizers.continuations import PARENTS, briefest_of_each, continuations, due
from instructzero.optimizers.metaprompts import fresh
from instructzero.tasks.text import normal_form
from instructzero.types import Candidate, Proposal, Trial

BOX = (-1.0, 1.0)
"""The box of the initial points and of the search, in every dimension of z."""

FANTASY_NOISE = 1e-2
"""Variance of a fantasised outcome, on the scale of the standardised scores."""

POOL = 1000
"""Points among which `maximiser="pool"` finds the candidates."""

ANYWHERE = 0.25
"""The share of random points among the candidates: around the best ones the writer may have nothing new to say."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The parts of the search; the defaults are the paper's code.

    ``candidates`` points are written for each one that is paid for; with more than one, texts that were evaluated or
    repeated are dropped, and ``batch_choice`` picks among the rest. ``preimages``: a score is shared with every
    other point that was written as the same text. ``geometry``: ``sphere`` searches directions, because the writer
    normalises what it reads and a longer soft prompt says the same. ``continued``: the share of the evaluations, once
    the initial ones are done, whose texts go on from the beginnings of the best; ``ends`` texts are written for each of
    these beginnings, as many as ``candidates`` where it is not said.
    """

    initial: int = 25
    batch: int = 25
    surrogate: SurrogateOptions = field(default_factory=SurrogateOptions)
    acquisition: Literal["ei", "log_ei"] = "ei"
    maximiser: Literal["cma", "gradient", "pool"] = "cma"
    candidates: int = 1
    batch_choice: Literal["best", "fantasised", "thompson"] = "best"
    preimages: bool = False
    geometry: Literal["box", "sphere"] = "box"
    continued: float = 0.0
    ends: int | None = None
    sigma: float = 0.8
    population: int = 50
    generations: int = 10

    def with_parts(self, parts: Mapping[str, Any]) -> SearchOptions:
        """The same options but for ``parts``, by name; those of the surrogate among them."""
        of_surrogate = {each.name for each in fields(SurrogateOptions)} & parts.keys()
        surrogate = replace(self.surrogate, **{name: parts[name] for name in of_surrogate})
        return replace(self, surrogate=surrogate, **{name: parts[name] for name in parts.keys() - of_surrogate})


PAPER = SearchOptions()
REPAIRED = SearchOptions(
    initial=10,
    batch=5,
    surrogate=SurrogateOptions(noise="binomial", lengthscale="loo"),
    maximiser="pool",
    candidates=8,
    preimages=True,
    continued=0.6,
)


class InstructZero(Optimizer):
    """Scrambled Sobol points first; then rounds of expected improvement on the instruction-coupled GP.

    >>> optimizer = InstructZero(dimension=10, seed=0, options=REPAIRED)
    >>> len(optimizer.ask(limit=20))
    20
    """

    def __init__(self, *, dimension: int, seed: int, options: SearchOptions = PAPER) -> None:
        self._dimension = dimension
        self._seed = seed
        self._options = options
        self._trials: list[Trial] = []
        self._written: list[Candidate] = []  # trials and unpaid, in the order of being told
        self._surrogate: CoupledGP | None = None

    def ask(self, limit: int) -> list[Proposal]:
        initial = self._options.initial
        if len(self._trials) < initial:
            # Twice as many where texts are chosen, because some of them will be the same.
            count = min(initial - len(self._trials), limit) * min(self._options.candidates, 2)
            return _proposals(self._initial_points(count))
        count = min(self._options.batch, limit)
        continued = due(len(self._trials) - initial, count, self._options.continued)
        searched = count - continued
        points = _proposals(self._candidates(searched * self._options.candidates)) if searched else []
        return [*points, *self._continuations(continued)]

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        initial = self._options.initial
        remaining = initial - len(self._trials)
        limit = min(limit, remaining if remaining > 0 else self._options.batch)
        if self._options.candidates == 1:
            return super().choose(candidates, limit)
        new = fresh(candidates, self._trials)
        if remaining > 0:
            return new[:limit]
        continued = briefest_of_each(candidates, new)[:limit]
        located = [position for position in new if candidates[position].proposal.point is not None]
        points = np.array([candidates[position].proposal.point for position in located], dtype=np.float64)
        picked = self._pick(points, limit - len(continued)) if located else []
        chosen = [*(located[position] for position in picked), *continued]
        return [*chosen, *(position for position in new if position not in chosen)][:limit]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        self._surrogate = None
        self._trials.extend(trials)
        self._written.extend(Candidate(trial.proposal, trial.writing) for trial in trials)
        self._written.extend(unpaid)

    def belief(self, points: Points) -> tuple[Points, Points]:
        """What the surrogate of everything told expects at points (q, d): means and standard deviations, each (q,).

        They are on the scale of what is searched for, and say nothing of the noise of an evaluation there.
        """
        observations = self._observations()
        values = observations.scores.nanmean(1) if observations.values is None else observations.values
        deviation = float(values.std()) if len(values) > 1 else 0.0
        scale = deviation if deviation > 1e-12 else 1.0
        mean, variance = self._fitted().posterior(self._place(torch.from_numpy(points)))
        return (float(values.mean()) + scale * mean).numpy(), (scale * variance.sqrt()).numpy()

    def outcome(self, trial: Trial) -> float:
        """What came out of an evaluation, on the scale of `belief`: what the search maximises."""
        return trial.score

    def _pick(self, points: Points, count: int) -> list[int]:
        """The positions of at most ``count`` of the points (q, d), the most wanted first."""
        surrogate = self._fitted()
        mean, covariance = surrogate.joint_posterior(torch.from_numpy(points))
        best = float(surrogate.targets.max())
        if self._options.batch_choice == "thompson":
            seed = int(generator_for(self._seed, len(self._written)).integers(2**62))
            return choose_thompson(mean, covariance, count, torch.Generator().manual_seed(seed))
        if self._options.batch_choice == "fantasised":
            return choose_fantasised(mean, covariance, best, count, noise=FANTASY_NOISE, improvement=self._improvement)
        return choose_best(mean, covariance, best, count, improvement=self._improvement)

    def _initial_points(self, count: int) -> Points:
        """Scrambled Sobol points in the box, shape (count, d), after those that were written already."""
        seed = int(generator_for(self._seed, 0).integers(2**32))
        sobol = SobolEngine(self._dimension, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
        sobol.fast_forward(len(self._written))  # type: ignore[no-untyped-call]
        return self._spread(sobol.draw(count, dtype=torch.float64).numpy())

    def _spread(self, unit: Points) -> Points:
        """From [0, 1]^d evenly over the box, or over the sphere."""
        if self._options.geometry == "box":
            return np.asarray(BOX[0] + (BOX[1] - BOX[0]) * unit)
        normal = torch.special.ndtri(torch.from_numpy(unit.clip(1e-9, 1 - 1e-9)))
        return self._place(normal).numpy()

    def _place(self, points: Tensor) -> Tensor:
        if self._options.geometry == "box":
            return points
        placed: Tensor = points / points.norm(dim=-1, keepdim=True).clamp_min(1e-9)
        return placed

    def _continuations(self, count: int) -> list[Proposal]:
        """Beginnings of good texts, each under soft prompts from anywhere, and from around those of good texts."""
        (generator,) = generator_for(self._seed, len(self._written)).spawn(1)
        ends = self._options.ends or self._options.candidates
        parents = sorted(self._trials, key=self._rank)[:PARENTS]
        places = np.array([trial.proposal.z for trial in parents], dtype=np.float64)

        def points() -> Points:
            anywhere = self._spread(generator.random((ends // 2, self._dimension)))
            return np.concatenate([anywhere, self._steps_from(places, ends - ends // 2, generator)])

        return continuations(parents, count, points, generator)

    def _rank(self, trial: Trial) -> tuple[float, int]:
        """Smallest for the best outcome; of equals the one on more examples, because a race drops what falls behind."""
        return -self.outcome(trial), -len(trial.evaluation.scores)

    def _candidates(self, count: int) -> Points:
        """One point from each start, the most promising first; shape (count, d)."""
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
        """Random points, and steps of all sizes away from the best ones."""
        size = POOL // 2
        anywhere = self._spread(generator.random((size, self._dimension)))
        best = self._starts(self._options.batch, generator)
        return np.concatenate([anywhere, self._steps_from(best, size, generator)])

    def _steps_from(self, places: Points, count: int, generator: np.random.Generator) -> Points:
        """Steps of all sizes away from any of the places (n, d); shape (count, d)."""
        origins = places[generator.integers(len(places), size=count)]
        steps = generator.standard_normal(origins.shape) * 10 ** generator.uniform(-1.5, 0, (count, 1))
        return self._place(torch.from_numpy(np.clip(origins + steps, *BOX))).numpy()

    def _starts(self, count: int, generator: np.random.Generator) -> Points:
        """The best points evaluated; where more are wanted, random ones as well."""
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
        """The surrogate of everything told, fitted cold."""
        if self._surrogate is None:
            self._surrogate = fit_surrogate(self._observations(), self._options.surrogate)
        return self._surrogate

    def _located(self) -> list[tuple[Trial, list[tuple[float, ...]]]]:
        """The evaluations of texts that points alone lead to, with these points.

        One an instruction where preimages are shared, also of one that was paid for as a continuation.
        """
        if not self._options.preimages:
            return [(trial, [point]) for trial in self._trials if (point := trial.proposal.point) is not None]
        points: dict[str, list[tuple[float, ...]]] = {}
        for each in self._written:
            if (point := each.proposal.point) is not None:
                points.setdefault(each.instruction, []).append(point)
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
            scores=torch.tensor(
                [_padded(trial.evaluation.scores, most, math.nan) for trial in trials], dtype=torch.float64
            ),
            predictions=[
                _padded([normal_form(each) for each in trial.evaluation.predictions], most, None) for trial in trials
            ],
        )


def _proposals(points: Points) -> list[Proposal]:
    return [Proposal(tuple(point)) for point in points.tolist()]


def _padded(values: Sequence[Any], size: int, filler: Any) -> list[Any]:
    return [*values, *[filler] * (size - len(values))]
