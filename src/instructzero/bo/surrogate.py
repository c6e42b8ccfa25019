"""The Gaussian process with the instruction-coupled kernel, in closed form (Eq. 4, 5 and 9 of the paper)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from instructzero.bo.kernels import CouplingWeights, matern52

# Gamma(concentration, rate) priors on every lengthscale, as in the paper's code, and on the noise variance, as
# BoTorch had it at the time.
LENGTHSCALE_PRIOR = (3.0, 6.0)
NOISE_PRIOR = (1.1, 0.05)
MINIMUM_NOISE = 1e-4
MINIMUM_VARIANCE = 1e-20
LATENT_LENGTHSCALE = (LENGTHSCALE_PRIOR[0] - 1) / LENGTHSCALE_PRIOR[1]
"""The latent lengthscale is held at its prior's mode: k(Z, Z) = S whatever it is, so the marginal likelihood is
flat in it and the maximum a posteriori is the mode."""


@dataclass(frozen=True)
class Hyperparameters:
    """``score_lengthscale`` (m,) of the kernel on score vectors; scalars on the scale of the standardised y."""

    score_lengthscale: Tensor
    outputscale: float
    noise: float
    mean: float


class InstructionCoupledGP:
    """A GP over z whose covariance on observed points is the similarity S of their score vectors.

    >>> z = torch.rand(4, 2, dtype=torch.float64)
    >>> gp = InstructionCoupledGP.fit(z, torch.eye(4, dtype=torch.float64))
    >>> mean, variance = gp.posterior(z)
    """

    def __init__(self, observed: Tensor, scores: Tensor, hyperparameters: Hyperparameters) -> None:
        """``observed`` Z of shape (n, d); ``scores`` (n, m), row i the per-example scores of instruction i."""
        self.hyperparameters = hyperparameters
        self.targets = standardise(scores.mean(dim=1))
        lengthscale = torch.full((observed.shape[1],), LATENT_LENGTHSCALE, dtype=observed.dtype)
        self._weights = CouplingWeights(observed, lengthscale)
        similarity = hyperparameters.outputscale * matern52(scores, scores, hyperparameters.score_lengthscale)  # S
        noisy = similarity + hyperparameters.noise * torch.eye(len(observed), dtype=observed.dtype)
        factor = torch.linalg.cholesky(noisy)  # S + σ² I
        residual = (self.targets - hyperparameters.mean).unsqueeze(-1)
        self._mean_weights = (similarity @ torch.cholesky_solve(residual, factor)).squeeze(-1)
        self._posterior_similarity = similarity - similarity @ torch.cholesky_solve(similarity, factor)

    @classmethod
    def fit(cls, observed: Tensor, scores: Tensor) -> InstructionCoupledGP:
        """Hyperparameters by maximum a posteriori. Equal targets are standardised to zeros."""
        return cls(observed, scores, fit_hyperparameters(scores, standardise(scores.mean(dim=1))))

    def posterior(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and variance of the standardised score, each of shape (q,), at points (q, d)."""
        weights = self._weights(points)
        mean = self.hyperparameters.mean + weights @ self._mean_weights  # Eq. 4
        variance = ((weights @ self._posterior_similarity) * weights).sum(-1)  # Eq. 5
        return mean, variance.clamp_min(MINIMUM_VARIANCE)


def standardise(values: Tensor) -> Tensor:
    """Zero mean and unit standard deviation; zeros where all values are equal or there is only one."""
    centred = values - values.mean()
    deviation = values.std() if len(values) > 1 else torch.zeros((), dtype=values.dtype)
    return centred / deviation if deviation > 1e-12 else torch.zeros_like(values)


def fit_hyperparameters(scores: Tensor, targets: Tensor) -> Hyperparameters:
    """Maximise the marginal likelihood of ``targets`` (n,) with the priors, by L-BFGS-B on log-parameters."""
    examples = scores.shape[1]

    def objective(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        point = torch.tensor(parameters, dtype=torch.float64, requires_grad=True)
        loss = _negative_log_posterior(point, scores, targets)
        (gradient,) = torch.autograd.grad(loss, point)
        return loss.item(), gradient.numpy()

    start = np.concatenate([np.full(examples, math.log(LATENT_LENGTHSCALE)), [0.0, math.log(0.1), 0.0]])
    bounds = [(-5.0, 5.0)] * examples + [(-6.0, 6.0), (math.log(MINIMUM_NOISE), 3.0), (-5.0, 5.0)]
    solution = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 100})
    lengthscale, outputscale, noise, mean = _unpack(torch.from_numpy(solution.x))
    return Hyperparameters(lengthscale, float(outputscale), float(noise), float(mean))


def _unpack(parameters: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Lengthscales (m,), outputscale, noise variance and mean from log-parameters of shape (m + 3,)."""
    return parameters[:-3].exp(), parameters[-3].exp(), parameters[-2].exp(), parameters[-1]


def _negative_log_posterior(parameters: Tensor, scores: Tensor, targets: Tensor) -> Tensor:
    """−(log p(y | S, σ², mean) + log priors), up to constants."""
    lengthscale, outputscale, noise, mean = _unpack(parameters)
    identity = torch.eye(len(targets), dtype=targets.dtype)
    covariance = outputscale * matern52(scores, scores, lengthscale) + noise * identity  # k(Z, Z) + σ² I
    factor = torch.linalg.cholesky(covariance)
    residual = (targets - mean).unsqueeze(-1)
    fit = 0.5 * (residual * torch.cholesky_solve(residual, factor)).sum()
    complexity = factor.diagonal().log().sum()
    prior = _log_gamma(lengthscale, *LENGTHSCALE_PRIOR).sum() + _log_gamma(noise, *NOISE_PRIOR)
    loss: Tensor = fit + complexity - prior
    return loss


def _log_gamma(value: Tensor, concentration: float, rate: float) -> Tensor:
    """The log density of Gamma(concentration, rate), up to its constant."""
    density: Tensor = (concentration - 1) * value.log() - rate * value
    return density
