"""A Gaussian process over features of instructions, with known noise of every score, in closed form.

In Eq. 9 of the paper, S is the similarity of instructions that were scored. The features of a text give it for a text
that nobody has scored yet: k(v, v') = s² Matérn-5/2(‖φ(v) − φ(v')‖ / ℓ).

Notation: n scored texts with features Φ (n, f) and values y (n,), q other texts; Σ the noise of the values.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from instructzero.bo.fitting import MINIMUM_NOISE, spread_rows
from instructzero.bo.kernels import matern52_of
from instructzero.bo.surrogate import MINIMUM_VARIANCE, scale_of, standardise, variance_of_means
from instructzero.bo.threads import one_thread

LENGTHSCALES = (0.5, 1.0, 2.0, 4.0)
"""The lengthscales ℓ to choose from; two texts of unit features without a common feature are √2 apart."""

SIGNAL_VARIANCES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""The variances s² to choose from, in units of the variance of the values."""

OWN_VARIANCE = 0.3
"""The variance of what is a text's own: equal words do not make two texts equally good. Its units are those of s².

Leave-one-out cannot see it, because it compares texts with others only.
"""

EXAMPLE_SHRINKAGE = 2.0
"""The number of imagined average scores by which the effect of an example is shrunk."""


class FeatureGP:
    """The posterior of the values of texts, given those of n texts.

    >>> features = torch.eye(3, dtype=torch.float64)
    >>> gp = FeatureGP(features, torch.tensor([0.2, 0.4, 0.9], dtype=torch.float64), torch.full((3,), 0.01).double())
    >>> mean, covariance = gp.posterior(features)
    >>> int(gp.posterior_of_scored()[0].argmax()), tuple(covariance.shape)
    (2, (3, 3))

    Parameters
    ----------
    features
        Φ, shape (n, f).
    values
        y, shape (n,).
    noise
        The variances Σ of the values, shape (n,).
    scales
        ℓ and s², as in `FeatureGP.scales`; by default those of `fit_leave_one_out`.

    Attributes
    ----------
    scales
        ℓ and s².
    scored_mean
        The posterior means of the scored texts, (n,).
    """

    def __init__(
        self, features: Tensor, values: Tensor, noise: Tensor, scales: tuple[float, float] | None = None
    ) -> None:
        self._features = features
        self._centre, self._scale = float(values.mean()), scale_of(values)
        targets = standardise(values)
        noise = (noise / self._scale**2).clamp_min(MINIMUM_NOISE)
        self.scales = scales or fit_leave_one_out(features, targets, noise + OWN_VARIANCE)
        self._prior_of_scored = self._prior(features)
        self._factor, self._mean = _factorised(self._prior_of_scored, noise, targets)
        self._coefficients = torch.cholesky_solve((targets - self._mean).unsqueeze(-1), self._factor).squeeze(-1)
        self.scored_mean = self._posterior_mean(self._prior_of_scored)

    def kernel(self, first: Tensor, second: Tensor) -> Tensor:
        """Return k between rows of features, in units of the variance of the values."""
        lengthscale, variance = self.scales
        return variance * matern52_of(_squared_distances(first, second) / lengthscale**2)

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior mean (q,) and covariance (q, q) of the values of new texts with ``features`` (q, f)."""
        return self._posterior(self.kernel(features, self._features), self._prior(features))

    @one_thread()
    def marginal_posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior mean (q,) and variance (q,) of the values of new texts, without their covariance."""
        cross = self.kernel(features, self._features)
        explained = torch.linalg.solve_triangular(self._factor, cross.T, upper=False).square().sum(0)
        variance = self.scales[1] + OWN_VARIANCE - explained
        return self._posterior_mean(cross), self._scale**2 * variance.clamp_min(MINIMUM_VARIANCE)

    def posterior_of_scored(self) -> tuple[Tensor, Tensor]:
        """Return the posterior mean (n,) and covariance (n, n) of the values of the scored texts."""
        return self._posterior(self._prior_of_scored, self._prior_of_scored)

    def posterior_beside_best(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the joint posterior of the scored text of the greatest mean, which comes first, and of q new texts.

        The shapes are (1 + q,) and (1 + q, 1 + q).
        """
        best = int(self.scored_mean.argmax())
        width = max(features.shape[1], self._features.shape[1])
        rows = (self._features[best : best + 1], features)
        joined = torch.cat([torch.nn.functional.pad(row, (0, width - row.shape[1])) for row in rows])
        cross = self.kernel(joined, self._features)
        cross[0, best] += OWN_VARIANCE
        return self._posterior(cross, self._prior(joined))

    def _prior(self, features: Tensor) -> Tensor:
        return self.kernel(features, features) + OWN_VARIANCE * torch.eye(len(features), dtype=features.dtype)

    @one_thread()
    def _posterior(self, cross: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
        explained = torch.linalg.solve_triangular(self._factor, cross.T, upper=False)
        covariance = prior - explained.T @ explained  # Eq. 5
        return self._posterior_mean(cross), self._scale**2 * (covariance + covariance.T) / 2

    def _posterior_mean(self, cross: Tensor) -> Tensor:
        mean: Tensor = self._centre + self._scale * (self._mean + cross @ self._coefficients)  # Eq. 4
        return mean


@one_thread()
def fit_leave_one_out(features: Tensor, targets: Tensor, noise: Tensor) -> tuple[float, float]:
    """Return the lengthscale and the signal variance with the highest leave-one-out density of ``targets`` (n,).

    ``noise`` (n,) is the variance of a target that the kernel does not explain. Of more than `MAXIMUM_FITTED` texts, an
    evenly spaced subset is used.
    """
    if len(targets) < 3:
        return 1.0, 1.0
    rows = spread_rows(len(targets))
    features, targets, noise = features[rows], targets[rows], noise[rows]
    squared = _squared_distances(features, features)
    kernels = {lengthscale: matern52_of(squared / lengthscale**2) for lengthscale in LENGTHSCALES}

    def density(choice: tuple[float, float]) -> float:
        lengthscale, variance = choice
        factor, mean = _factorised(variance * kernels[lengthscale], noise, targets)
        inverse = torch.cholesky_inverse(factor)
        precision = inverse.diagonal()
        error = inverse @ (targets - mean) / precision  # Rasmussen and Williams (2006), Eq. 5.12
        return float((0.5 * precision.log() - 0.5 * precision * error.square()).sum())

    return max(product(LENGTHSCALES, SIGNAL_VARIANCES), key=density)


def chance_of_exceeding(mean: Tensor, covariance: Tensor, reference: int) -> Tensor:
    """Return the probability that each value is greater than the one at ``reference``, shape (n,); 1 for that itself.

    Parameters
    ----------
    mean, covariance
        The joint posterior of n values, (n,) and (n, n).
    reference
        The position of the value to exceed.
    """
    variance = covariance.diagonal()
    difference = (variance + variance[reference] - 2 * covariance[reference]).clamp_min(MINIMUM_VARIANCE)
    chances: Tensor = torch.special.ndtr((mean - mean[reference]) / difference.sqrt())
    chances[reference] = 1.0
    return chances


def separated(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values (n,) of texts and their noise variances (n,), from scores (n, m) with NaN where none is known.

    A score is modelled as the text's value plus the example's effect, so that a text that was scored on easy examples
    only is not overrated. The noise is that of a mean of 0s and 1s.
    """
    known = (~scores.isnan()).double()  # K
    filled, counts = scores.nan_to_num(), known.sum(1)
    weights = 1 / (known.sum(0) + EXAMPLE_SHRINKAGE)  # W, the effects are W (Kᵀ y − Kᵀ v)
    system = torch.diag(counts) - (known * weights) @ known.T
    values = torch.linalg.solve(system, filled.sum(1) - known @ (weights * filled.sum(0)))
    return values, variance_of_means(scores)


def _factorised(kernel: Tensor, noise: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """Return the Cholesky factor of kernel + Σ, and the constant mean of the greatest likelihood."""
    factor = torch.linalg.cholesky(kernel + torch.diag(noise))
    ones = torch.ones_like(targets).unsqueeze(-1)
    weights = torch.cholesky_solve(ones, factor).squeeze(-1)
    return factor, float(weights @ targets / weights.sum())


def _squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return squared distances between rows; the columns that only one of the two has are zeros of the other."""
    width = min(first.shape[1], second.shape[1])
    lengths = first.square().sum(1)[:, None] + second.square().sum(1)[None]
    squared: Tensor = (lengths - 2 * first[:, :width] @ second[:, :width].T).clamp_min(0.0)
    return squared
