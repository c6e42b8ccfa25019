"""Fitting hyperparameters by marginal likelihood, or by leave-one-out where the likelihood does not depend on them.

Notation: u instructions with standardised scores y (u,); S = s² B, with B from a Matérn-5/2 kernel over their features
(score vectors, or z) or fixed; Σ their noise; K = S + Σ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from instructzero.bo.kernels import LATENT_JITTER, matern52_of
from instructzero.bo.threads import one_thread

# Gamma(concentration, rate) priors on every lengthscale, as in the paper's code, and on the noise variance, as in the
# BoTorch release of that time.
LENGTHSCALE_PRIOR = (3.0, 6.0)
NOISE_PRIOR = (1.1, 0.05)
MINIMUM_NOISE = 1e-4
PRIOR_MODE = (LENGTHSCALE_PRIOR[0] - 1) / LENGTHSCALE_PRIOR[1]
MAXIMUM_FITTED = 300
"""The number of instructions the likelihood is computed on at most; of more, an evenly spaced subset is taken.

The cost of the likelihood is cubic in this number, and with more instructions the hyperparameters hardly change.
"""

_ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True)
class Hyperparameters:
    """Parameters of the prior of the scores.

    ``lengthscale`` (k,) of the features; ``outputscale`` s²; ``noise`` variances (u,); the constant ``mean``.
    """

    lengthscale: Tensor
    outputscale: float
    noise: Tensor
    mean: float


Pullback = Callable[[Tensor], Tensor]
"""Maps a symmetric dloss/dB (u, u) to dloss/dlogs (size,)."""


class Similarity(Protocol):
    """B as a function of the logarithms of its parameters, such as lengthscales."""

    @property
    def priors(self) -> Tensor:
        """Gamma(concentration, rate) of every parameter, shape (size, 2); the optimisation starts at their modes."""

    def subset(self, rows: Tensor) -> Similarity:
        """Return the similarity of the instructions in ``rows`` only."""

    def at(self, logs: Tensor) -> tuple[Tensor, Pullback]:
        """Return B, shape (u, u), for logs of shape (size,), and its pullback."""


@dataclass(frozen=True)
class MaternSimilarity:
    """A Matérn-5/2 kernel over features of shape (u, k), with one lengthscale per feature."""

    features: Tensor

    @property
    def priors(self) -> Tensor:
        """`LENGTHSCALE_PRIOR` for every feature, shape (k, 2)."""
        return torch.tensor([LENGTHSCALE_PRIOR], dtype=torch.float64).expand(self.features.shape[1], 2)

    def subset(self, rows: Tensor) -> MaternSimilarity:
        """Return the kernel over the features of ``rows`` only."""
        return MaternSimilarity(self.features[rows])

    def at(self, logs: Tensor) -> tuple[Tensor, Pullback]:
        """Return the kernel matrix (u, u) for log-lengthscales (k,), and its pullback."""
        features = self.features / logs.exp()
        scaled = _ROOT5 * _distances(features)
        decay = torch.exp(-scaled)

        def pullback(sensitivity: Tensor) -> Tensor:
            # dB/dlog ℓ_k = 5/3 (1 + √5 r) exp(−√5 r) (x_ik − x_jk)² / ℓ_k²
            weighted = sensitivity * (1 + scaled) * decay
            squares = weighted.sum(1) @ features.square()
            gradient: Tensor = 10 / 3 * (squares - (features * (weighted @ features)).sum(0))
            return gradient

        return (1 + scaled + scaled.square() / 3) * decay, pullback


def _distances(features: Tensor) -> Tensor:
    """Return the distances between all rows, shape (u, u).

    Equal rows may get a distance of the size of a rounding error. That is harmless, as the kernel is flat at 0.
    """
    lengths = features.square().sum(1)
    squared = torch.addmm(lengths + lengths[:, None], features, features.T, alpha=-2)
    squared.fill_diagonal_(0.0)
    return squared.clamp_min_(0.0).sqrt_()


@dataclass(frozen=True)
class FixedSimilarity:
    """A fixed matrix (u, u), of which only the scale is fitted."""

    values: Tensor

    @property
    def priors(self) -> Tensor:
        """No prior, shape (0, 2)."""
        return self.values.new_zeros(0, 2)

    def subset(self, rows: Tensor) -> FixedSimilarity:
        """Return the matrix restricted to ``rows``."""
        return FixedSimilarity(self.values[rows][:, rows])

    def at(self, logs: Tensor) -> tuple[Tensor, Pullback]:
        """Return the matrix and an empty pullback; ``logs`` has shape (0,)."""
        return self.values, lambda sensitivity: sensitivity.new_zeros(0)


def spread_rows(count: int) -> Tensor:
    """Return the positions of at most `MAXIMUM_FITTED` of ``count`` rows, evenly spaced."""
    return torch.linspace(0, count - 1, min(count, MAXIMUM_FITTED), dtype=torch.float64).round().long()


@one_thread()
def fit_marginal_likelihood(similarity: Similarity, targets: Tensor, noise: Tensor | None) -> Hyperparameters:
    """Fit s², the mean, the lengthscales and, if ``noise`` is None, one noise variance by maximum a posteriori.

    L-BFGS-B over the logarithms of the parameters, from the mode of the priors, with gradients in closed form.

    Args:
        similarity: B as a function of its parameters, for u instructions.
        targets: Standardised scores y, shape (u,).
        noise: Known noise variances, shape (u,), or None.
    """
    priors, rows = similarity.priors, spread_rows(len(targets))
    size, modes = len(priors), (priors[:, 0] - 1) / priors[:, 1]
    start = np.concatenate([modes.log().numpy(), [0.0, 0.0], [math.log(0.1)][: noise is None]])
    bounds = [(-5.0, 5.0)] * size + [(-6.0, 6.0), (-5.0, 5.0)] + [(math.log(MINIMUM_NOISE), 3.0)][: noise is None]
    fitted_to = similarity.subset(rows), targets[rows], None if noise is None else noise[rows]

    def objective(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        loss, gradient = negative_log_posterior(torch.from_numpy(parameters), *fitted_to)
        return loss, gradient.numpy()

    options = {"maxiter": 100, "ftol": 1e-6}
    solution = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    fitted = torch.full_like(targets, math.exp(solution[-1])) if noise is None else noise
    return Hyperparameters(
        torch.from_numpy(solution[:size]).exp(), math.exp(solution[size]), fitted, float(solution[size + 1])
    )


def negative_log_posterior(
    parameters: Tensor, similarity: Similarity, targets: Tensor, noise: Tensor | None
) -> tuple[float, Tensor]:
    """Return −(log p(y | S + Σ, mean) + log priors), up to constants, and its gradient.

    ``parameters`` holds the logarithms of the lengthscales, log s², the mean and, if ``noise`` is None, the logarithm
    of the noise variance.
    """
    priors = similarity.priors
    size, of_parameters = len(priors), (priors[:, 0], priors[:, 1])
    logs, outputscale, mean = parameters[:size], parameters[size].exp(), parameters[size + 1]
    variances = parameters[-1].exp().expand_as(targets) if noise is None else noise
    matrix, pullback = similarity.at(logs)
    covariance = outputscale * matrix
    inverse, log_determinant = _inverse(covariance, variances)
    residual = targets - mean
    alpha = inverse @ residual
    loss = 0.5 * residual @ alpha + 0.5 * log_determinant
    sensitivity = inverse - torch.outer(alpha, alpha)  # 2 dloss/dK
    gradient = torch.empty_like(parameters)
    gradient[:size] = 0.5 * outputscale * pullback(sensitivity)
    gradient[size] = 0.5 * (sensitivity * covariance).sum()
    gradient[size + 1] = -alpha.sum()
    loss = loss - _log_gamma(logs.exp(), of_parameters).sum()
    gradient[:size] -= _log_gamma_slope(logs.exp(), of_parameters)
    if noise is None:
        gradient[-1] = 0.5 * variances[0] * sensitivity.trace()
        loss = loss - _log_gamma(variances[0], NOISE_PRIOR)
        gradient[-1] -= _log_gamma_slope(variances[0], NOISE_PRIOR)
    return float(loss), gradient


def _inverse(matrix: Tensor, diagonal: Tensor | float) -> tuple[Tensor, Tensor]:
    """Return (matrix + diag(diagonal))⁻¹ and the log determinant, from a Cholesky factor; ``matrix`` may be a batch.

    The inverse is explicit because the likelihood's gradient and leave-one-out need all of its entries.
    """
    shifted = matrix.clone()
    shifted.diagonal(dim1=-2, dim2=-1).add_(diagonal)
    factor = torch.linalg.cholesky(shifted)
    log_determinant = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return torch.cholesky_inverse(factor), log_determinant


Prior = tuple[float, float] | tuple[Tensor, Tensor]
"""Gamma(concentration, rate)."""


def _log_gamma(value: Tensor, prior: Prior) -> Tensor:
    """Return the log density, up to its constant."""
    concentration, rate = prior
    return (concentration - 1) * value.log() - rate * value


def _log_gamma_slope(value: Tensor, prior: Prior) -> Tensor:
    """Return d log density / d log value."""
    concentration, rate = prior
    return concentration - 1 - rate * value


@dataclass(frozen=True)
class LeaveOneOut:
    """The leave-one-out predictions of all scores; ``mean``, ``coupled`` and ``residual`` have shape (u,).

    The variance of a prediction is ``coupled`` + ρ ``residual``, for any ρ.
    """

    mean: Tensor
    coupled: Tensor
    residual: Tensor

    def log_density(self, targets: Tensor, corrections: Tensor) -> Tensor:
        """Return Σ_i log N(y_i | prediction of i), up to a constant, shape (c,) for ρ of shape (c,)."""
        variance = self.coupled + corrections[:, None] * self.residual
        return -0.5 * (variance.log() + (targets - self.mean).square() / variance).sum(-1)


class LeaveOneOutFit:
    """Leave-one-out predictions with the kernel of `CoupledGP`, in closed form; every instruction has one point.

    Omitting instruction i also omits its point from Z: with Q = L⁻¹, w_j = −Q_ij / Q_ii are the weights of the others
    at this point, and 1 / Q_ii is its residual. With C = (S + Σ)⁻¹, the posterior given the others is the one given
    all less the rank-one term C_:i C_:iᵀ / C_ii.
    """

    def __init__(self, similarity: Tensor, targets: Tensor, noise: Tensor, mean: float) -> None:
        """Prepare the parts that do not depend on L: ``similarity`` S (u, u), ``targets`` y (u,) and ``noise`` (u,)."""
        self._noise, self._mean = noise, mean
        self._inverse, _ = _inverse(similarity, noise)  # C
        self._alpha = self._inverse @ (targets - mean)
        self._smoothed = targets - mean - noise * self._alpha  # S C (y − mean)

    def predict(self, latent: Tensor) -> LeaveOneOut:
        """Return the predictions for ``latent`` L = l(Z, Z) without jitter, shape (u, u)."""
        precision, _ = _inverse(latent, LATENT_JITTER)  # Q
        weights = -precision / precision.diagonal()[:, None]
        weights.fill_diagonal_(0.0)
        scaled = weights * self._noise
        through = scaled @ self._inverse
        own, diagonal = through.diagonal(), self._inverse.diagonal()  # Σ_j w_j σ_j² C_ji, and C_ii
        coupled = (weights * scaled).sum(1) - (through * scaled).sum(1) + own.square() / diagonal
        return LeaveOneOut(
            mean=self._mean + weights @ self._smoothed + own * self._alpha / diagonal,
            coupled=coupled.clamp_min(0.0) + self._noise,
            residual=1 / precision.diagonal() - LATENT_JITTER,
        )


LENGTHSCALES = torch.from_numpy(np.geomspace(0.15, 8.0, 25))
CORRECTIONS = torch.from_numpy(np.geomspace(0.02, 5.0, 16))


@one_thread()
def fit_leave_one_out(
    points: Tensor, similarity: Tensor, targets: Tensor, noise: Tensor, mean: float, *, corrected: bool
) -> tuple[float, float]:
    """Return the lengthscale of l and ρ with the highest leave-one-out density; ρ is 0 unless ``corrected``.

    The marginal likelihood depends on neither, because k(Z, Z) = S for every choice of them. Both are searched on a
    grid, because they are bounded scales and the density has several maxima. One lengthscale serves all dimensions,
    and the paper's prior on it is counted once.

    Args:
        points: One point per instruction, shape (u, d).
        similarity: S, shape (u, u).
        targets: y, shape (u,).
        noise: Noise variances, shape (u,).
        mean: The prior mean.
        corrected: True to search ρ as well.
    """
    rows = spread_rows(len(targets))
    fit = LeaveOneOutFit(similarity[rows][:, rows], targets[rows], noise[rows], mean)
    corrections = CORRECTIONS if corrected else torch.zeros(1, dtype=torch.float64)
    squared = _distances(points[rows]).square()
    values = torch.stack(
        [fit.predict(matern52_of(squared / lengthscale.square())).log_density(targets[rows], corrections)
         for lengthscale in LENGTHSCALES]
    )  # fmt: skip
    values = values + _log_gamma(LENGTHSCALES, LENGTHSCALE_PRIOR)[:, None]
    best = int(values.argmax())
    return float(LENGTHSCALES[best // len(corrections)]), float(corrections[best % len(corrections)])
