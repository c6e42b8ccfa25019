"""Acquisition functions: expected improvement and its logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Improvement = Callable[[Tensor, Tensor, float], Tensor]
"""From mean, variance and the best observed value to the improvement, elementwise."""

_ROOT_HALF_PI = math.sqrt(math.pi / 2)
_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)
_FAR = -200.0
"""Below this value the asymptotic series is exact to the last digits; the formula with erfcx is not."""


def expected_improvement(mean: Tensor, variance: Tensor, best: float) -> Tensor:
    """Return E[max(f − best, 0)] for f ~ N(mean, variance), elementwise (Eq. 6).

    Args:
        mean: Posterior means, of any shape.
        variance: Posterior variances > 0, of the same shape.
        best: The highest observed value, in the units of ``mean``.

    Returns:
        Values ≥ 0 of the same shape. Far below ``best`` they underflow to 0.
    """
    deviation = variance.sqrt()
    standardised = (mean - best) / deviation
    return (deviation * _improvement(standardised)).clamp_min(0.0)


def log_expected_improvement(mean: Tensor, variance: Tensor, best: float) -> Tensor:
    """Return the logarithm of expected improvement, with a finite value and gradient where the improvement underflows.

    Source: Ament et al., Unexpected Improvements to Expected Improvement for Bayesian Optimization (NeurIPS 2023),
    Eq. 9. Parameters and shapes are those of `expected_improvement`.
    """
    deviation = variance.sqrt()
    u = (mean - best) / deviation
    near, far = u > -1.0, u < _FAR
    # Every branch is evaluated within its own range only: a NaN in one would reach the gradients of the others.
    direct = _improvement(torch.where(near, u, 0.0)).log()
    middle = torch.where(near | far, -2.0, u)
    mills = _ROOT_HALF_PI * torch.special.erfcx(-middle / math.sqrt(2))  # Φ(u) / φ(u)
    scaled = torch.log1p(middle * mills) - 0.5 * middle.square() - _LOG_ROOT_TWO_PI
    away = torch.where(far, u, 2 * _FAR)
    series = torch.log1p(-3 / away.square()) - 2 * (-away).log() - 0.5 * away.square() - _LOG_ROOT_TWO_PI
    return deviation.log() + torch.where(near, direct, torch.where(far, series, scaled))


def _improvement(u: Tensor) -> Tensor:
    """Return u Φ(u) + φ(u), elementwise."""
    density = torch.exp(-0.5 * u.square()) / math.sqrt(2 * math.pi)
    improvement: Tensor = u * 0.5 * torch.special.erfc(-u / math.sqrt(2)) + density
    return improvement
