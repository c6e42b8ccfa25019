"""The instruction-coupled kernel and the Matérn kernels it is made of (Section 3.2 of the paper)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LATENT_JITTER = 1e-4
"""Added to the diagonal of L before it is factorised, as in the published code."""


def matern52(first: Tensor, second: Tensor, lengthscale: Tensor) -> Tensor:
    """The Matérn-5/2 kernel with one lengthscale a dimension (ARD).

    Shapes: ``first`` (q, k), ``second`` (n, k), ``lengthscale`` (k,); the result is (q, n) with entries in (0, 1].
    """
    squared = squared_distances(first / lengthscale, second / lengthscale)
    # The floor keeps the gradient of the square root finite at coinciding points.
    distance = squared.clamp_min(1e-30).sqrt()
    root5 = math.sqrt(5.0)
    return (1 + root5 * distance + 5.0 / 3.0 * squared) * torch.exp(-root5 * distance)  # k_{5/2}(r)


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Squared Euclidean distances, shape (q, n), exact zeros for equal rows."""
    return (first.unsqueeze(1) - second.unsqueeze(0)).square().sum(-1)


class CouplingWeights:
    """w(z) = L⁻¹ l(Z, z), the part of Eq. 9 that depends on z.

    With it the instruction-coupled kernel is k(z, z') = w(z)ᵀ S w(z')  (Eq. 9); on observed points w(z_i) is
    the i-th unit vector up to the jitter, so k(Z, Z) = S.
    """

    def __init__(self, observed: Tensor, lengthscale: Tensor, jitter: float = LATENT_JITTER) -> None:
        """``observed`` is Z, shape (n, d); ``lengthscale`` has shape (d,)."""
        self._observed = observed
        self._lengthscale = lengthscale
        latent = matern52(observed, observed, lengthscale)  # L = l(Z, Z)
        identity = torch.eye(len(observed), dtype=observed.dtype)
        self._factor = torch.linalg.cholesky(latent + jitter * identity)

    def __call__(self, points: Tensor) -> Tensor:
        """Weights of shape (q, n) for points of shape (q, d)."""
        cross = matern52(self._observed, points, self._lengthscale)  # l(Z, z)
        return torch.cholesky_solve(cross, self._factor).T
