"""Hyperparameters: by marginal likelihood where it sees them, by leave-one-out where it does not.

Notation: u instructions with standardised scores y (u,); S = s² B, with B from a Matérn-5/2 kernel over their features
(score vectors, or z) or fixed; Σ their noise; K = S + Σ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.optimize import minimize

from instructzero.bo.kernels import LATENT_JITTER

Array = NDArray[np.float64]

# Gamma(concentration, rate) priors on every lengthscale, as in the paper's code, and on the noise variance, as
# BoTorch had it at the time.
LENGTHSCALE_PRIOR = (3.0, 6.0)
NOISE_PRIOR = (1.1, 0.05)
MINIMUM_NOISE = 1e-4
PRIOR_MODE = (LENGTHSCALE_PRIOR[0] - 1) / LENGTHSCALE_PRIOR[1]
MOST_FITTED = 300
"""The likelihood of more instructions is taken on so many of them, evenly spaced: its cost is cubic, and the
hyperparameters no longer move."""

_ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True)
class Hyperparameters:
    """Of the covariance of the scores: ``lengthscale`` (k,) of the features, s², noise variances (u,), and the mean."""

    lengthscale: Array
    outputscale: float
    noise: Array
    mean: float


Pullback = Callable[[Array], Array]
"""From a symmetric dloss/dB (u, u) to dloss/dlogs (size,)."""


class Similarity(Protocol):
    """B as a function of the logarithms of its lengthscales."""

    @property
    def size(self) -> int: ...

    def subset(self, rows: NDArray[np.int64]) -> Similarity:
        """The same similarity of fewer instructions."""

    def at(self, logs: Array) -> tuple[Array, Pullback]:
        """B, shape (u, u), for logs of shape (size,), and its pullback."""


@dataclass(frozen=True)
class MaternSimilarity:
    """A Matérn-5/2 kernel over features of shape (u, k), with one lengthscale a feature."""

    features: Array

    @property
    def size(self) -> int:
        return len(self.features[0])

    def subset(self, rows: NDArray[np.int64]) -> MaternSimilarity:
        return MaternSimilarity(self.features[rows])

    def at(self, logs: Array) -> tuple[Array, Pullback]:
        features = self.features / np.exp(logs)
        scaled = _ROOT5 * _distances(features)
        decay = np.exp(-scaled)

        def pullback(sensitivity: Array) -> Array:
            # dB/dlog ℓ_k = 5/3 (1 + √5 r) exp(−√5 r) (x_ik − x_jk)² / ℓ_k²
            weighted = sensitivity * (1 + scaled) * decay
            squares = weighted.sum(1) @ features**2
            return np.asarray(10 / 3 * (squares - (features * (weighted @ features)).sum(0)))

        return (1 + scaled + scaled**2 / 3) * decay, pullback


def _distances(features: Array) -> Array:
    """Between all rows. Equal rows may differ by rounding, which the kernel is flat to."""
    lengths = (features**2).sum(1)
    squared = features @ (-2 * features.T)
    squared += lengths
    squared += lengths[:, None]
    np.fill_diagonal(squared, 0.0)
    return np.asarray(np.sqrt(squared.clip(0.0, out=squared), out=squared))


@dataclass(frozen=True)
class FixedSimilarity:
    """A matrix that has nothing to fit but its scale."""

    values: Array

    size = 0

    def subset(self, rows: NDArray[np.int64]) -> FixedSimilarity:
        return FixedSimilarity(self.values[np.ix_(rows, rows)])

    def at(self, logs: Array) -> tuple[Array, Pullback]:
        return self.values, lambda sensitivity: np.zeros(0)


def spread_rows(count: int) -> NDArray[np.int64]:
    """At most `MOST_FITTED` of ``count`` rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FITTED)).round().astype(np.int64))


def fit_marginal_likelihood(similarity: Similarity, targets: Array, noise: Array | None) -> Hyperparameters:
    """Maximum a posteriori of s², the mean, the lengthscales and, where ``noise`` (u,) is not known, one noise for all.

    L-BFGS-B on log-parameters from the prior's mode, with gradients in closed form.
    """
    size, rows = similarity.size, spread_rows(len(targets))
    start = np.concatenate([np.full(size, math.log(PRIOR_MODE)), [0.0, 0.0], [math.log(0.1)][: noise is None]])
    bounds = [(-5.0, 5.0)] * size + [(-6.0, 6.0), (-5.0, 5.0)] + [(math.log(MINIMUM_NOISE), 3.0)][: noise is None]
    solution = minimize(
        negative_log_posterior,
        start,
        args=(similarity.subset(rows), targets[rows], None if noise is None else noise[rows]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 100, "ftol": 1e-6},
    ).x
    fitted = np.full(len(targets), math.exp(solution[-1])) if noise is None else noise
    return Hyperparameters(np.exp(solution[:size]), math.exp(solution[size]), fitted, float(solution[size + 1]))


def negative_log_posterior(
    parameters: Array, similarity: Similarity, targets: Array, noise: Array | None
) -> tuple[float, Array]:
    """−(log p(y | S + Σ, mean) + log priors), up to constants, and its gradient.

    ``parameters``: the logs of the lengthscales, log s², the mean and, where ``noise`` is None, the log noise variance.
    """
    size = similarity.size
    logs, outputscale, mean = parameters[:size], math.exp(parameters[size]), parameters[size + 1]
    variances = np.full(len(targets), math.exp(parameters[-1])) if noise is None else noise
    matrix, pullback = similarity.at(logs)
    covariance = outputscale * matrix
    inverse, log_determinant = _inverse(covariance, variances)
    residual = targets - mean
    alpha = inverse @ residual
    loss = 0.5 * float(residual @ alpha) + 0.5 * log_determinant
    sensitivity = inverse - np.outer(alpha, alpha)  # 2 dloss/dK
    gradient = np.empty_like(parameters)
    gradient[:size] = 0.5 * outputscale * pullback(sensitivity)
    gradient[size] = 0.5 * (sensitivity * covariance).sum()
    gradient[size + 1] = -alpha.sum()
    loss -= _log_gamma(np.exp(logs), LENGTHSCALE_PRIOR).sum()
    gradient[:size] -= _log_gamma_slope(np.exp(logs), LENGTHSCALE_PRIOR)
    if noise is None:
        gradient[-1] = 0.5 * variances[0] * np.trace(sensitivity)
        loss -= float(_log_gamma(variances[0], NOISE_PRIOR))
        gradient[-1] -= _log_gamma_slope(variances[0], NOISE_PRIOR)
    return loss, gradient


def _inverse(matrix: Array, diagonal: Array | float) -> tuple[Array, float]:
    """(matrix + diag(diagonal))⁻¹ from its Cholesky factor, and its log determinant.

    The likelihood's gradient and leave-one-out need every entry of it, not only its action on a vector.
    """
    shifted = matrix.copy(order="F")
    shifted.flat[:: len(matrix) + 1] += diagonal
    factor, failed = lapack.dpotrf(shifted, lower=True, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError(f"expected a positive definite matrix, got none in leading minor {failed}")
    log_determinant = 2 * float(np.log(np.diag(factor)).sum())
    lower = np.tril(lapack.dpotri(factor, lower=True, overwrite_c=True)[0])
    inverse = lower + lower.T
    inverse.flat[:: len(matrix) + 1] /= 2
    return inverse, log_determinant


def _log_gamma(value: Array | float, prior: tuple[float, float]) -> Array:
    """The log density of Gamma(concentration, rate), up to its constant."""
    concentration, rate = prior
    return np.asarray((concentration - 1) * np.log(value) - rate * value)


def _log_gamma_slope(value: Array | float, prior: tuple[float, float]) -> Array:
    """d log density / d log value."""
    concentration, rate = prior
    return np.asarray(concentration - 1 - rate * value)


@dataclass(frozen=True)
class LeaveOneOut:
    """What the other instructions predict of each one's score; ``mean``, ``coupled`` and ``residual`` have shape (u,).

    The prediction's variance is ``coupled`` + ρ ``residual``, for any ρ.
    """

    mean: Array
    coupled: Array
    residual: Array

    def log_density(self, targets: Array, correction: float) -> float:
        """Σ_i log N(y_i | prediction of i), up to a constant."""
        variance = self.coupled + correction * self.residual
        return float(-0.5 * (np.log(variance) + (targets - self.mean) ** 2 / variance).sum())


class LeaveOneOutFit:
    """Predictions of each score from the others with the kernel of `CoupledGP`, in closed form; one point each.

    Leaving instruction i out leaves its point out of Z as well: with Q = L⁻¹, w_j = −Q_ij / Q_ii are its weights from
    the others and 1 / Q_ii is its residual. With C = (S + Σ)⁻¹, the others' own posterior is that of all less the
    rank-one term C_:i C_i: / C_ii.
    """

    def __init__(self, similarity: Array, targets: Array, noise: Array, mean: float) -> None:
        """``similarity`` S (u, u); ``targets`` y and ``noise`` (u,)."""
        self._noise, self._mean = noise, mean
        self._inverse, _ = _inverse(similarity, noise)  # C
        self._alpha = self._inverse @ (targets - mean)
        self._smoothed = targets - mean - noise * self._alpha  # S C (y − mean)

    def predict(self, latent: Array) -> LeaveOneOut:
        """For L = l(Z, Z) without jitter, shape (u, u)."""
        precision, _ = _inverse(latent, LATENT_JITTER)  # Q
        weights = -precision / np.diag(precision)[:, None]
        np.fill_diagonal(weights, 0.0)
        scaled = weights * self._noise
        through = scaled @ self._inverse
        own, diagonal = np.diag(through), np.diag(self._inverse)  # Σ_j w_j σ_j² C_ji, and C_ii
        coupled = (weights * scaled).sum(1) - (through * scaled).sum(1) + own**2 / diagonal
        return LeaveOneOut(
            mean=self._mean + weights @ self._smoothed + own * self._alpha / diagonal,
            coupled=coupled.clip(0.0) + self._noise,
            residual=1 / np.diag(precision) - LATENT_JITTER,
        )


LENGTHSCALES = np.geomspace(0.15, 8.0, 25)
CORRECTIONS = np.geomspace(0.02, 5.0, 16)


def fit_leave_one_out(
    points: Array, similarity: Array, targets: Array, noise: Array, mean: float, *, corrected: bool
) -> tuple[float, float]:
    """The lengthscale of l, one for all dimensions, and ρ (0 unless ``corrected``) that predict best what was left out.

    The marginal likelihood sees neither, because k(Z, Z) = S whatever they are. A grid, as both are bounded scales and
    the likelihood has several maxima; the paper's prior counts once.
    """
    rows = spread_rows(len(targets))
    fit = LeaveOneOutFit(similarity[np.ix_(rows, rows)], targets[rows], noise[rows], mean)
    corrections = CORRECTIONS if corrected else np.zeros(1)
    distances = _ROOT5 * _distances(points[rows])
    best = (-math.inf, 0.0, 0.0)
    for lengthscale in LENGTHSCALES:
        scaled = distances / lengthscale
        left_out = fit.predict((1 + scaled + scaled**2 / 3) * np.exp(-scaled))
        prior = float(_log_gamma(lengthscale, LENGTHSCALE_PRIOR))
        for correction in corrections:
            best = max(best, (left_out.log_density(targets[rows], correction) + prior, lengthscale, correction))
    return float(best[1]), float(best[2])
