"""ZOPO: local ascent from one candidate to the next, along a gradient that a Gaussian process estimates.

Reference: Hu, Shu, Yu, Wu, Lin, Dai, Ng, Low, *Localized Zeroth-Order Prompt Optimization* (NeurIPS 2024, arXiv
2403.02993), and its code. The candidates are soft prompts of a fixed pool, seen as what the writer makes of them before
it writes; the score is a Gaussian process over these representations with the neural tangent kernel of a small random
network (width 32, two hidden layers). From the current candidate, a step along the posterior mean of the gradient
leads to the nearest candidate not evaluated yet. Where the gradient is uncertain, the nearest neighbours of the
current candidate are evaluated first.

Differs from the publication:

- It works in rounds: ``batch`` steps are made on one posterior before they are evaluated. The publication evaluates
  after every step (its code makes up to two where it is certain).
- A round begins at the best candidate so far. The publication goes on from the last one and returns to the best after a
  few steps without improvement, which is what a round without improvement is here.
- A step has a fixed length, half a standard deviation of each coordinate in quadratic mean: the first step of the
  code's Adam with its default learning rate. Its later steps depend on the gradients before.
- The process sees all evaluations, each with its own binomial noise, instead of the nearest 20 with a standard
  deviation of 0.01. Representations are standardised over the pool instead of scaled to [0, 1] over those 20.
- The network has tanh activations instead of ReLU, whose tangent kernel jumps, and a scale by which the process varies
  over the evaluated candidates as much as the scores do.
- The gradient is uncertain when more than half of the prior variance of the slope along it is left. The paper takes
  the posterior variance of the gradient, the code that of the score, above a constant on the scale of its kernel in
  five iterations in a row, which are a round here.
- The neighbours, ten as in the code, are evaluated over as many rounds as they take.
- Candidates that are written as the same text are one candidate, found out by writing more of them than are paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from instructzero.bo.fitting import one_thread
from instructzero.bo.ntk import DerivedGP, TangentKernel
from instructzero.bo.surrogate import binomial_noise, standardise
from instructzero.optimizers.base import Optimizer, Represent, generator_for
from instructzero.optimizers.pool import Pool, PoolRecord
from instructzero.types import Candidate, Proposal, Trial

STEP = 0.5
"""Length of a step, in standard deviations of each coordinate (the default learning rate of the published code)."""

NEIGHBOURS = 10
"""Nearest candidates that local exploration evaluates (the published code)."""

UNCERTAIN = 0.5
"""The share of the slope's prior variance above which the gradient is not trusted."""

WRITTEN_FOR_ONE = 4
"""Candidates written for each one that is paid for, because some are written as the same text."""


class Zopo(Optimizer):
    """The first points of the pool, then rounds of ascent from the best one.

    >>> identity = lambda points: torch.tensor(points, dtype=torch.float64)
    >>> optimizer = Zopo(dimension=10, seed=0, represent=identity)
    >>> len(optimizer.ask(limit=20))
    40
    """

    def __init__(self, *, dimension: int, seed: int, represent: Represent, initial: int = 20, batch: int = 5) -> None:
        self._pool = Pool(dimension=dimension, seed=seed, represent=represent)
        self._record = PoolRecord(self._pool)
        self._trials: list[Trial] = []
        self._seed = seed
        self._initial = initial
        self._batch = batch

    def ask(self, limit: int) -> list[Proposal]:
        missing = self._initial - len(self._trials)
        located = self._located()
        if missing > 0 or not located:
            open_positions = (self._record.open() >= 0).nonzero().flatten().tolist()
            positions = open_positions[: 2 * min(max(missing, self._batch), limit)]
        else:
            positions = self._ascend(located, WRITTEN_FOR_ONE * min(self._batch, limit))
        return [Proposal(self._pool.points[position]) for position in positions or [0]]

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        missing = self._initial - len(self._trials)
        return self._record.fresh(candidates)[: min(limit, missing if missing > 0 else self._batch)]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        self._trials.extend(trials)
        self._record.tell(trials, unpaid)

    def _located(self) -> dict[int, Trial]:
        """The evaluations of points of the pool, by position, in the order of being told."""
        located = ((self._pool.position(trial.proposal.z), trial) for trial in self._trials)
        return {position: trial for position, trial in located if position is not None}

    def _ascend(self, located: dict[int, Trial], count: int) -> list[int]:
        features = self._pool.features  # by the writer, with all threads
        best = max(located, key=lambda position: located[position].score)
        with one_thread():
            posterior = _posterior(features[list(located)], list(located.values()), self._seed)
            return ascent(posterior, features, self._record.open(), best, count)


def _posterior(points: Tensor, trials: Sequence[Trial], seed: int) -> DerivedGP:
    """Of the standardised scores of ``trials`` at ``points`` (n, h), with the kernel of the run's random network."""
    scores = [torch.tensor(trial.evaluation.scores, dtype=torch.float64) for trial in trials]
    aligned = pad_sequence(scores, batch_first=True, padding_value=torch.nan)
    kernel = TangentKernel(points.shape[1], generator_for(seed, 0))
    prior = kernel(points, points)
    spread = float(prior.diagonal().mean() - prior.mean())  # E of the variance of f over the points
    return DerivedGP(
        kernel,
        points,
        standardise(aligned.nanmean(1)),
        binomial_noise(aligned),
        outputscale=1 / spread if spread > 1e-9 else 1.0,
    )


class Slope(Protocol):
    """What is believed of the gradient of the score, as `DerivedGP` has it."""

    def gradient(self, point: Tensor) -> Tensor: ...

    def slope_variance(self, point: Tensor, direction: Tensor) -> tuple[float, float]: ...


def ascent(slope: Slope, features: Tensor, texts: Tensor, start: int, count: int) -> list[int]:
    """At most ``count`` candidates for evaluation, by position, the most wanted first.

    Where the gradient at ``start`` is uncertain, those of its nearest neighbours that are not evaluated; then the
    candidates that steps from it lead to. ``features`` (n, h); ``texts`` (n,) as `PoolRecord.open` has them.
    """
    texts, wanted = texts.clone(), list[int]()

    def want(position: int) -> None:
        wanted.append(position)
        texts[texts == texts[position].item()] = -1

    if is_uncertain(slope, features[start]):
        for position in neighbours(features, start):
            if texts[position] >= 0:
                want(position)
    point = features[start]
    while len(wanted) < count and bool((texts >= 0).any()):
        want(nearest(features, point + step(slope, point), texts >= 0))
        point = features[wanted[-1]]
    return wanted[:count]


def is_uncertain(slope: Slope, point: Tensor) -> bool:
    """Whether too little is known of the slope along the gradient at a point (h,), or there is none."""
    gradient = slope.gradient(point)
    if not bool(gradient.any()):
        return True
    variance, prior = slope.slope_variance(point, gradient / gradient.norm())
    return variance > UNCERTAIN * prior


def neighbours(features: Tensor, start: int) -> list[int]:
    """The positions of the candidates nearest to the one at ``start``, without it, the nearest first."""
    order: list[int] = (features - features[start]).norm(dim=1).argsort(stable=True).tolist()
    return [position for position in order if position != start][:NEIGHBOURS]


def step(slope: Slope, point: Tensor) -> Tensor:
    """η ∇f / ‖∇f‖ at a point (h,), with η = STEP √h; no step where the gradient is zero."""
    gradient = slope.gradient(point)
    length: float = STEP * len(point) ** 0.5
    return torch.nn.functional.normalize(gradient, dim=0, eps=1e-300) * length


def nearest(features: Tensor, target: Tensor, allowed: Tensor) -> int:
    """The position of the allowed candidate that is nearest to ``target`` (h,): the projection onto the candidates."""
    distances = (features - target).norm(dim=1)
    return int(distances.masked_fill(~allowed, torch.inf).argmin())
