"""ZOPO: local ascent over a pool of candidates, along a gradient that a Gaussian process estimates.

Reference: Hu, Shu, Yu, Wu, Lin, Dai, Ng, Low, *Localized Zeroth-Order Prompt Optimization* (NeurIPS 2024, arXiv
2403.02993), and its code. The candidates are soft prompts of a fixed pool, given by the representations that the writer
has of them before it writes. The score is a Gaussian process over these representations, with the neural tangent kernel
of a small random network (width 32, two hidden layers). From the current candidate, a step along the posterior mean of
the gradient leads to the nearest candidate that is not evaluated yet. If the gradient is uncertain, the nearest
neighbours of the current candidate are evaluated first.

Differs from the publication:

- It works in rounds: ``batch`` steps use one posterior before they are evaluated. The publication evaluates after
  every step (its code makes up to two where it is certain).
- A round begins at the best candidate so far. The publication continues from the last one and returns to the best after
  a few steps without improvement, which corresponds to a round without improvement here.
- A step has a fixed length, half a standard deviation of each coordinate in quadratic mean: the first step of the
  code's Adam with its default learning rate. Its later steps depend on earlier gradients.
- The process uses all evaluations with their own binomial noise, instead of the nearest 20 with a standard
  deviation of 0.01. Representations are standardised over the pool instead of scaled to [0, 1] over those 20.
- The network has tanh activations instead of ReLU, whose tangent kernel jumps, and an output scale with which the
  variance of the process over the evaluated candidates is that of the scores.
- The gradient is uncertain if more than half of the prior variance of the slope along it remains. The criterion of the
  paper is the posterior variance of the gradient; that of the code is the posterior variance of the score, above a
  constant on the scale of its kernel in five iterations in a row, which correspond to a round here.
- The neighbours, ten as in the code, are evaluated over as many rounds as necessary.
- Candidates with the same text are one candidate; more candidates are written than evaluated to find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from instructzero.bo.ntk import DerivedGP, TangentKernel
from instructzero.bo.surrogate import binomial_noise, standardise
from instructzero.bo.threads import one_thread
from instructzero.optimizers.base import Optimizer, Represent, aligned_scores, generator_for, proposed
from instructzero.optimizers.pool import Pool, PoolRecord
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method
from instructzero.types import Candidate, Proposal, Trial

STEP = 0.5
"""The length of a step, in standard deviations of each coordinate (the default learning rate of the published code)."""

NEIGHBOURS = 10
"""The number of nearest candidates that local exploration evaluates (the published code)."""

UNCERTAIN = 0.5
"""The share of the slope's prior variance above which the gradient is not trusted."""

WRITTEN_FOR_ONE = 4
"""The number of candidates written for one evaluation, because some give the same text."""


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
        """Return the first points of the pool, or the candidates of an ascent from the best one."""
        missing = self._initial - len(proposed(self._trials))
        located = self._located()
        if missing > 0 or not located:
            open_positions = (self._record.open() >= 0).nonzero().flatten().tolist()
            positions = open_positions[: 2 * min(max(missing, self._batch), limit)]
        else:
            positions = self._ascend(located, WRITTEN_FOR_ONE * min(self._batch, limit))
        return [Proposal(self._pool.points[position]) for position in positions or [0]]

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of the first new texts, at most as many as the round needs."""
        missing = self._initial - len(proposed(self._trials))
        return self._record.fresh(candidates)[: min(limit, missing if missing > 0 else self._batch)]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Add the trials, and the texts of the candidates that were not chosen."""
        self._trials.extend(trials)
        self._record.tell(trials, unpaid)

    def _located(self) -> dict[int, Trial]:
        """Return the evaluations of points of the pool by position, in the order of the trials."""
        located = ((self._pool.position(trial.proposal.z), trial) for trial in self._trials)
        return {position: trial for position, trial in located if position is not None}

    def _ascend(self, located: dict[int, Trial], count: int) -> list[int]:
        features = self._pool.features  # computed by the writer, with all threads
        best = max(located, key=lambda position: located[position].score)
        with one_thread():
            posterior = _posterior(features[list(located)], list(located.values()), self._seed)
            return ascent(posterior, features, self._record.open(), best, count)


def _posterior(points: Tensor, trials: Sequence[Trial], seed: int) -> DerivedGP:
    """Return the Gaussian process of the standardised scores of ``trials`` at ``points`` (n, h).

    Its kernel is that of the random network of ``seed``.
    """
    aligned = aligned_scores(trial.evaluation.scores for trial in trials)
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
    """A posterior of the gradient of the score, such as `DerivedGP`."""

    def gradient(self, point: Tensor) -> Tensor:
        """Return the posterior mean of the gradient at a point (h,), shape (h,)."""
        ...

    def slope_variance(self, point: Tensor, direction: Tensor) -> tuple[float, float]:
        """Return the posterior and the prior variance of the slope at a point (h,) along a unit vector (h,)."""
        ...


def ascent(slope: Slope, features: Tensor, texts: Tensor, start: int, count: int) -> list[int]:
    """Return at most ``count`` candidates for evaluation, by position, in order of preference.

    If the gradient at ``start`` is uncertain, they begin with its nearest neighbours that are not evaluated. The
    candidates that steps from ``start`` lead to follow.

    Parameters
    ----------
    slope
        The posterior of the gradient.
    features
        The representations of the candidates, shape (n, h).
    texts
        The numbers of their texts as returned by `PoolRecord.open`, shape (n,).
    start
        The position of the current candidate.
    count
        The number of candidates.
    """
    texts, chosen = texts.clone(), list[int]()

    def take(position: int) -> None:
        chosen.append(position)
        texts[texts == texts[position].item()] = -1

    if is_uncertain(slope, features[start]):
        for position in neighbours(features, start):
            if texts[position] >= 0:
                take(position)
    point = features[start]
    while len(chosen) < count and bool((texts >= 0).any()):
        take(nearest(features, point + step(slope, point), texts >= 0))
        point = features[chosen[-1]]
    return chosen[:count]


def is_uncertain(slope: Slope, point: Tensor) -> bool:
    """Return True if the slope along the gradient at a point (h,) is uncertain, or the gradient is zero."""
    gradient = slope.gradient(point)
    if not bool(gradient.any()):
        return True
    variance, prior = slope.slope_variance(point, gradient / gradient.norm())
    return variance > UNCERTAIN * prior


def neighbours(features: Tensor, start: int) -> list[int]:
    """Return the positions of the candidates nearest to the one at ``start``, without it, the nearest first."""
    order: list[int] = (features - features[start]).norm(dim=1).argsort(stable=True).tolist()
    return [position for position in order if position != start][:NEIGHBOURS]


def step(slope: Slope, point: Tensor) -> Tensor:
    """Return η ∇f / ‖∇f‖ at a point (h,), with η = STEP √h; zero if the gradient is zero."""
    gradient = slope.gradient(point)
    length: float = STEP * len(point) ** 0.5
    return torch.nn.functional.normalize(gradient, dim=0, eps=1e-300) * length


def nearest(features: Tensor, target: Tensor, allowed: Tensor) -> int:
    """Return the position of the allowed candidate nearest to ``target`` (h,): the projection onto the candidates."""
    distances = (features - target).norm(dim=1)
    return int(distances.masked_fill(~allowed, torch.inf).argmin())


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Zopo(represent=materials.represent, **arguments)


METHOD = Method(
    summary="ZOPO (Hu et al., 2024): ascent along the gradient of a neural tangent kernel Gaussian process",
    make=_make,
    parts=SIZES,
    represents=True,
    needs_soft_prompts=True,
)
