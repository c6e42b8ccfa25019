"""A Gaussian process over instructions that are written: where they came from (z), and in which words.

Notation: u evaluated instructions, q written candidates, f text features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from instructzero.bo.fitting import LENGTHSCALE_PRIOR, Hyperparameters, Pullback, fit_marginal_likelihood
from instructzero.bo.kernels import matern52_of, squared_distances
from instructzero.bo.surrogate import binomial_noise, standardise

WORDING_PRIOR = (3.0, 2.0)
"""Gamma prior of the lengthscale between texts, whose distances are at most √2."""

WEIGHT_PRIOR = (1.5, 0.1)
"""Gamma prior of how much more the wording counts than z."""


@dataclass(frozen=True)
class Written:
    """Instructions: ``points`` (u, d) they were written at, and the ``features`` (u, f) of their texts."""

    points: Tensor
    features: Tensor


class WrittenGP:
    """The scores' process with k((z, v), (z', v')) = s² [Matérn(z, z') + ω Matérn(v, v')], fitted to ``scores`` (u, m).

    >>> from instructzero.bo.wording import ngram_features
    >>> texts = ngram_features(["Sort.", "Sort, perhaps.", "Go."])
    >>> seen = Written(torch.eye(3).double(), texts)
    >>> gp = WrittenGP(seen, torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]).double())
    >>> mean, covariance = gp.posterior(Written(torch.zeros(2, 3).double(), texts[:2]))
    >>> bool(mean[0] > mean[1])
    True
    """

    def __init__(self, seen: Written, scores: Tensor, *, known_noise: bool = True) -> None:
        """``known_noise``: each score's own binomial noise instead of one that is fitted."""
        self.targets = standardise(scores.mean(1))
        noise = binomial_noise(scores) if known_noise else None
        self._seen = seen
        similarity = WrittenSimilarity(
            squared_distances(seen.points, seen.points), squared_distances(seen.features, seen.features)
        )
        self.fitted: Hyperparameters = fit_marginal_likelihood(similarity, self.targets, noise)
        covariance = self._kernel(seen, seen) + torch.diag(self.fitted.noise)
        self._factor = torch.linalg.cholesky(covariance)
        self._weights = torch.cholesky_solve((self.targets - self.fitted.mean).unsqueeze(-1), self._factor)

    def posterior(self, candidates: Written) -> tuple[Tensor, Tensor]:
        """Mean (q,) and covariance (q, q) of the standardised scores."""
        cross = self._kernel(candidates, self._seen)
        explained = torch.linalg.solve_triangular(self._factor, cross.T, upper=False)
        mean = self.fitted.mean + (cross @ self._weights).squeeze(-1)
        return mean, self._kernel(candidates, candidates) - explained.T @ explained

    def _kernel(self, first: Written, second: Written) -> Tensor:
        similarity = WrittenSimilarity(
            squared_distances(first.points, second.points), squared_distances(first.features, second.features)
        )
        return self.fitted.outputscale * similarity.at(self.fitted.lengthscale.log())[0]


@dataclass(frozen=True)
class WrittenSimilarity:
    """B of `fitting`: Matérn-5/2 of squared distances between points and between texts, each of shape (u, u).

    Parameters: the lengthscale of z, that of the wording, and the wording's weight ω.
    """

    between_points: Tensor
    between_texts: Tensor

    @property
    def priors(self) -> Tensor:
        return torch.tensor([LENGTHSCALE_PRIOR, WORDING_PRIOR, WEIGHT_PRIOR], dtype=torch.float64)

    def subset(self, rows: Tensor) -> WrittenSimilarity:
        return WrittenSimilarity(self.between_points[rows][:, rows], self.between_texts[rows][:, rows])

    def at(self, logs: Tensor) -> tuple[Tensor, Pullback]:
        squares = torch.exp(-2 * logs[:2])
        points, texts = self.between_points * squares[0], self.between_texts * squares[1]
        weight = logs[2].exp()
        of_texts = weight * matern52_of(texts)

        def pullback(sensitivity: Tensor) -> Tensor:
            return torch.stack(
                [
                    (sensitivity * _slope(points)).sum(),
                    (sensitivity * weight * _slope(texts)).sum(),
                    (sensitivity * of_texts).sum(),
                ]
            )

        return matern52_of(points) + of_texts, pullback


def _slope(squared: Tensor) -> Tensor:
    """dk/dlog ℓ = 5/3 r² (1 + √5 r) exp(−√5 r) of the Matérn-5/2 kernel, r² in lengthscales."""
    scaled = (5 * squared).sqrt()
    return 5 / 3 * squared * (1 + scaled) * torch.exp(-scaled)
