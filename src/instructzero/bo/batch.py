"""Choosing a batch among candidates that are already written, by the posterior of their scores.

Notation: c candidates with a joint Gaussian posterior of mean (c,) and covariance (c, c). Every function returns the
positions of at most ``count`` different candidates, the preferred one first.
"""

from __future__ import annotations

import torch
from torch import Tensor

from instructzero.bo.acquisition import Improvement, log_expected_improvement
from instructzero.bo.surrogate import MINIMUM_VARIANCE


def choose_best(
    mean: Tensor,
    covariance: Tensor,
    best: float,
    count: int,
    *,
    improvement: Improvement = log_expected_improvement,
) -> list[int]:
    """Return the candidates with the highest expected improvements, computed independently of one another."""
    values = improvement(mean, _variance(covariance), best)
    return values.argsort(descending=True, stable=True)[:count].tolist()


def choose_fantasised(
    mean: Tensor,
    covariance: Tensor,
    best: float,
    count: int,
    *,
    noise: float,
    improvement: Improvement = log_expected_improvement,
) -> list[int]:
    """Choose greedily by expected improvement, conditioning on each choice as if its outcome equalled its mean.

    Source: the kriging believer, Ginsbourger et al. (2010). An outcome equal to its mean changes no mean and removes
    the variance that it explains. ``noise`` is the variance of an outcome around its score.
    """
    variance, chosen = _variance(covariance), list[int]()
    explained = covariance.new_zeros(len(mean), min(count, len(mean)))  # a pivoted Cholesky factor, column by column
    for step in range(explained.shape[1]):
        values = improvement(mean, variance, best)
        values[chosen] = -torch.inf
        pick = int(values.argmax())
        chosen.append(pick)
        best = max(best, float(mean[pick]))
        column = covariance[:, pick] - explained @ explained[pick]
        explained[:, step] = column / (column[pick] + noise).clamp_min(MINIMUM_VARIANCE).sqrt()
        variance = (variance - explained[:, step].square()).clamp_min(MINIMUM_VARIANCE)
    return chosen


def choose_thompson(mean: Tensor, covariance: Tensor, count: int, generator: torch.Generator) -> list[int]:
    """Choose by Thompson sampling: draw all scores jointly, take the best candidate not chosen yet, and repeat."""
    root = _root(covariance)
    free, chosen = torch.ones(len(mean), dtype=torch.bool), list[int]()
    for _ in range(min(count, len(mean))):
        normal = torch.randn(root.shape[1], generator=generator, dtype=mean.dtype)
        sample = torch.where(free, mean + root @ normal, -torch.inf)
        chosen.append(int(sample.argmax()))
        free[chosen[-1]] = False
    return chosen


def _variance(covariance: Tensor) -> Tensor:
    return covariance.diagonal().clamp_min(MINIMUM_VARIANCE)


def _root(covariance: Tensor) -> Tensor:
    """Return R with R Rᵀ = covariance; the covariance may be singular."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors * values.clamp_min(0.0).sqrt()
    return root
