"""Gaussian processes over z, coupled by the similarity of instructions, in closed form (Eq. 4, 5 and 9 of the paper).

Notation: n points Z written as u ≤ n different instructions with scores y; P (n x u) maps points to
instructions, with a 1 where point i is written as instruction j; S (u x u) is the covariance of the instructions, Σ
the noise of their scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from instructzero.bo.fitting import (
    MINIMUM_NOISE,
    PRIOR_MODE,
    FixedSimilarity,
    Hyperparameters,
    MaternSimilarity,
    Similarity,
    fit_leave_one_out,
    fit_marginal_likelihood,
)
from instructzero.bo.kernels import LatentFeatures, matern52
from instructzero.bo.similarity import Predictions, exact_match_similarity, f1_similarity

MINIMUM_VARIANCE = 1e-20


class CoupledGP:
    """The posterior of the score at any z.

    The kernel is k(z, z') = w(z)ᵀ P S Pᵀ w(z') + ρ r(z, z'), with w(z) = L⁻¹ l(Z, z) (Eq. 9) and the residual
    r(z, z') = l(z, z') − l(z, Z) L⁻¹ l(Z, z'). In terms of `LatentFeatures`, w(z) = F⁻ᵀ h(z) and
    r(z, z') = l(z, z') − h(z)ᵀ h(z'). With ρ = 0 it is the paper's kernel, whose variance vanishes away from
    the data. r is zero at observed points, so that ρ > 0 restores the variance and keeps k(Z, Z) = P S Pᵀ.
    With S = ρ L it is the plain Matérn kernel. All points of one instruction share its score.

    >>> z = torch.rand(4, 2, dtype=torch.float64)
    >>> eye = torch.eye(4, dtype=torch.float64)
    >>> gp = CoupledGP(z, torch.arange(4), eye, torch.zeros(4, dtype=torch.float64), 0.1 * eye.diagonal(),
    ...                lengthscale=torch.full((2,), 0.5, dtype=torch.float64))
    >>> mean, variance = gp.posterior(z)
    """

    def __init__(
        self,
        points: Tensor,
        instruction: Tensor,
        similarity: Tensor,
        targets: Tensor,
        noise: Tensor,
        *,
        lengthscale: Tensor,
        mean: float = 0.0,
        correction: float = 0.0,
    ) -> None:
        """Condition the process on the scores.

        Args:
            points: Z, shape (n, d).
            instruction: The number of each point's instruction, shape (n,).
            similarity: S, shape (u, u).
            targets: y, shape (u,).
            noise: Variances > 0, shape (u,).
            lengthscale: The lengthscales of l, shape (d,).
            mean: The prior mean.
            correction: ρ ≥ 0.
        """
        self.targets = targets
        self._mean = mean
        self._correction = correction
        self._latent = LatentFeatures(points, lengthscale)
        factor = torch.linalg.cholesky(similarity + torch.diag(noise))  # S + Σ
        residual = (targets - mean).unsqueeze(-1)
        explained = torch.linalg.solve_triangular(factor, similarity, upper=False)
        covariance = similarity - explained.T @ explained  # S − S (S + Σ)⁻¹ S
        owned = torch.nn.functional.one_hot(instruction, len(targets)).double()  # P
        self._coupling = torch.linalg.solve_triangular(self._latent.factor, owned, upper=False)  # F⁻¹ P
        self._coefficients = self._coupling @ (similarity @ torch.cholesky_solve(residual, factor)).squeeze(-1)
        self._covariance = self._coupling @ covariance @ self._coupling.T  # of the features' coefficients
        self._covariance.diagonal().sub_(correction)

    def posterior(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior mean and variance of the score, both of shape (..., q), at points (..., q, d)."""
        features = self._latent(points)
        mean = self._mean + features @ self._coefficients  # Eq. 4
        variance = self._correction + ((features @ self._covariance) * features).sum(-1)  # Eq. 5
        return mean, variance.clamp_min(MINIMUM_VARIANCE)

    def joint_posterior(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior mean (..., q) and covariance (..., q, q) of the scores at points (..., q, d)."""
        features = self._latent(points)
        covariance = features @ self._covariance @ features.mT
        if self._correction:
            covariance = covariance + self._correction * self._latent.between(points)
        return self._mean + features @ self._coefficients, (covariance + covariance.mT) / 2


def scale_of(values: Tensor) -> float:
    """Return the standard deviation of values (u,), and 1 if all are equal or u is 1."""
    deviation = float(values.std()) if len(values) > 1 else 0.0
    return deviation if deviation > 1e-12 else 1.0


def standardise(values: Tensor) -> Tensor:
    """Shift and scale values (u,) to zero mean and unit standard deviation; zeros if all are equal or u is 1."""
    centred = values - values.mean()
    deviation = values.std() if len(values) > 1 else torch.zeros((), dtype=values.dtype)
    return centred / deviation if deviation > 1e-12 else torch.zeros_like(values)


@dataclass(frozen=True)
class Observations:
    """The evaluated instructions, u of them, and the n ≥ u points that are written as them.

    ``points`` (n, d): row i < u is the point at which instruction i was evaluated, the other points follow.
    ``instruction`` (n,): the number of the instruction that each point is written as.
    ``scores`` (u, m) in [0, 1]. An instruction may be scored on the first examples only; the other scores are NaN.
    ``predictions``: u rows of m normalised answers, None where the score is NaN.
    ``values`` (u,): the modelled values, if not the mean scores.
    """

    points: Tensor
    instruction: Tensor
    scores: Tensor
    predictions: Predictions
    values: Tensor | None = None


@dataclass(frozen=True, slots=True)
class SurrogateOptions:
    """The choices that define a surrogate; the defaults are those of the paper's code."""

    kernel: Literal["coupled", "corrected", "standard"] = "coupled"
    similarity: Literal["scores", "exact_match", "f1"] = "scores"
    noise: Literal["fitted", "binomial"] = "fitted"
    lengthscale: Literal["prior", "loo"] = "prior"


def fit_surrogate(observations: Observations, options: SurrogateOptions) -> CoupledGP:
    """Fit the process to the standardised scores of ``observations``; equal scores are standardised to zeros."""
    targets = standardise(observations.scores.nanmean(1) if observations.values is None else observations.values)
    noise = binomial_noise(observations.scores) if options.noise == "binomial" else None
    if options.kernel == "standard":
        return _standard(observations, targets, noise)
    similarity, fitted = _fit_similarity(observations, options.similarity, targets, noise)
    dimension = observations.points.shape[1]
    lengthscale, correction = PRIOR_MODE, fitted.outputscale if options.kernel == "corrected" else 0.0
    if options.lengthscale == "loo":
        lengthscale, correction = fit_leave_one_out(
            observations.points[: len(targets)],
            similarity,
            targets,
            fitted.noise,
            fitted.mean,
            corrected=options.kernel == "corrected",
        )
    return CoupledGP(
        observations.points,
        observations.instruction,
        similarity,
        targets,
        fitted.noise,
        lengthscale=torch.full((dimension,), lengthscale, dtype=torch.float64),
        mean=fitted.mean,
        correction=correction,
    )


def _fit_similarity(
    observations: Observations, kind: str, targets: Tensor, noise: Tensor | None
) -> tuple[Tensor, Hyperparameters]:
    """Return S, scaled by the fitted s², and the fitted hyperparameters."""
    similarity: Similarity
    if kind == "scores":
        scores = observations.scores
        similarity = MaternSimilarity(torch.where(scores.isnan(), scores.nanmean(1, keepdim=True), scores))
    else:
        of = exact_match_similarity if kind == "exact_match" else f1_similarity
        similarity = FixedSimilarity(of(observations.predictions))
    fitted = fit_marginal_likelihood(similarity, targets, noise)
    return fitted.outputscale * similarity.at(fitted.lengthscale.log())[0], fitted


def _standard(observations: Observations, targets: Tensor, noise: Tensor | None) -> CoupledGP:
    """Build the Matérn kernel over z as a coupled kernel: S = ρ L, averaged over the points of each instruction."""
    count = len(targets)
    kernel = MaternSimilarity(observations.points[:count])
    fitted = fit_marginal_likelihood(kernel, targets, noise)
    latent = matern52(observations.points, observations.points, fitted.lengthscale)
    average = torch.nn.functional.one_hot(observations.instruction, count).double()  # P
    average = (average / average.sum(0)).T
    return CoupledGP(
        observations.points,
        observations.instruction,
        fitted.outputscale * average @ latent @ average.T,
        targets,
        fitted.noise,
        lengthscale=fitted.lengthscale,
        mean=fitted.mean,
        correction=fitted.outputscale,
    )


def binomial_noise(scores: Tensor) -> Tensor:
    """Return Σ, the variance p (1 − p) / m of every mean score, in the units of the standardised scores; shape (u,).

    p is Jeffreys' estimate, which is never 0 or 1, so that a perfect score on m examples keeps some noise. ``scores``
    has shape (u, m), with NaN where an example was not asked.
    """
    scale = scale_of(scores.nanmean(1))
    return (variance_of_means(scores) / (scale * scale)).clamp_min(MINIMUM_NOISE)


def variance_of_means(scores: Tensor) -> Tensor:
    """Return the variance p (1 − p) / m of every mean score, in the units of the scores; see `binomial_noise`."""
    examples = (~scores.isnan()).sum(1)
    p = (scores.nansum(1) + 0.5) / (examples + 1)
    return p * (1 - p) / examples
