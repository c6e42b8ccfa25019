"""Acquisition functions."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def expected_improvement(mean: Tensor, variance: Tensor, best: float) -> Tensor:
    """E[max(f − best, 0)] for f ~ N(mean, variance), elementwise (Eq. 6). All shapes are (q,)."""
    deviation = variance.sqrt()
    standardised = (mean - best) / deviation
    density = torch.exp(-0.5 * standardised.square()) / math.sqrt(2 * math.pi)
    cumulative = 0.5 * torch.special.erfc(-standardised / math.sqrt(2))
    improvement: Tensor = deviation * (standardised * cumulative + density)  # σ (u Φ(u) + φ(u))
    return improvement.clamp_min(0.0)
