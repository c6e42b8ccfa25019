"""The Matérn kernel, and the features by which a similarity of instructions becomes a kernel over z (Section 3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LATENT_JITTER = 1e-4
"""The jitter on the diagonal of L before it is factorised, as in the published code."""

_ROOT5 = math.sqrt(5.0)


def matern52(first: Tensor, second: Tensor, lengthscale: Tensor) -> Tensor:
    """Return the Matérn-5/2 kernel with one lengthscale per dimension (ARD).

    Args:
        first: Points, shape (..., q, k).
        second: Points, shape (n, k).
        lengthscale: Lengthscales > 0, shape (k,).

    Returns:
        Shape (..., q, n), with entries in (0, 1]; exactly 1 for equal rows.
    """
    return matern52_of(squared_distances(first / lengthscale, second / lengthscale))


def matern52_of(squared: Tensor) -> Tensor:
    """Return the kernel of squared distances r², in units of the lengthscale, elementwise."""
    # The floor keeps the gradient of the square root finite at coinciding points.
    scaled = _ROOT5 * squared.clamp_min(1e-30).sqrt()
    return (1 + scaled + scaled.square() / 3) * torch.exp(-scaled)  # k_{5/2}(r) = (1 + √5 r + 5 r²/3) exp(−√5 r)


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return squared Euclidean distances, shape (..., q, n); exactly 0 for equal rows."""
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").square()


class LatentFeatures:
    """h(z) = F⁻¹ l(Z, z) with L + jitter = F Fᵀ, the part of the kernels that depends on z.

    The kernels are products of h: the weights of Eq. 9 are w(z) = L⁻¹ l(Z, z) = F⁻ᵀ h(z), and the part of the latent
    kernel that the observed points explain is l(z, Z) L⁻¹ l(Z, z') = h(z)ᵀ h(z').
    """

    def __init__(self, observed: Tensor, lengthscale: Tensor, jitter: float = LATENT_JITTER) -> None:
        """Factorise L for ``observed`` Z, shape (n, d), and ``lengthscale``, shape (d,)."""
        self._lengthscale = lengthscale
        self._observed = observed / lengthscale
        latent = matern52_of(squared_distances(self._observed, self._observed))  # L = l(Z, Z)
        identity = torch.eye(len(observed), dtype=observed.dtype)
        self.factor = torch.linalg.cholesky(latent + jitter * identity)
        self._whitening = torch.linalg.solve_triangular(self.factor, identity, upper=False).T  # F⁻ᵀ

    def __call__(self, points: Tensor) -> Tensor:
        """Return h, shape (..., q, n), at points of shape (..., q, d)."""
        features: Tensor = matern52_of(squared_distances(points / self._lengthscale, self._observed)) @ self._whitening
        return features

    def between(self, points: Tensor) -> Tensor:
        """Return l(z, z') between the given points, shape (..., q, q)."""
        scaled = points / self._lengthscale
        return matern52_of(squared_distances(scaled, scaled))
