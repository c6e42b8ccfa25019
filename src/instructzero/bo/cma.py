"""CMA-ES from many starts in lock-step, in NumPy.

Source: Hansen, The CMA Evolution Strategy: A Tutorial (2016); equation numbers are the tutorial's. Notation: s starts,
λ samples per generation, d dimensions. The `cmaes` library, which runs one start at a time, reaches the same states,
but sampling 25 starts vector by vector took ten times as long as the rest of a search step.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class LockStepCMA:
    """One search distribution N(m, σ² C) per start, all sampled and updated together.

    >>> strategy = LockStepCMA(np.zeros((3, 2)), sigma=0.5, population=8)
    >>> generators = [np.random.default_rng(start) for start in range(3)]
    >>> for _ in range(50):
    ...     samples = strategy.ask(generators)  # (3, 8, 2)
    ...     strategy.tell(samples, losses=np.square(samples - 0.3).sum(-1))
    >>> bool(np.allclose(strategy.mean, 0.3, atol=0.01))
    True
    """

    def __init__(self, starts: Array, *, sigma: float, population: int) -> None:
        """Create one distribution for each start.

        Args:
            starts: The initial means, shape (s, d).
            sigma: The initial step size, the same for all starts.
            population: λ, the samples per generation, at least 4.
        """
        count, dimension = starts.shape
        self.mean = starts.copy()  # (s, d)
        self.sigma = np.full(count, sigma)  # (s,)
        self.covariance = np.tile(np.eye(dimension), (count, 1, 1))  # C, (s, d, d)
        self._step_path, self._shape_path = np.zeros_like(starts), np.zeros_like(starts)  # p_σ, p_c
        self._population, self._generation = population, 0
        self._set_constants(dimension, population)
        self._decompose()

    def _set_constants(self, dimension: int, population: int) -> None:
        ranks = math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))  # eq. 49
        parents = population // 2
        self._parents = parents
        mass = ranks[:parents].sum() ** 2 / (ranks[:parents] ** 2).sum()  # μ_eff
        mass_minus = ranks[parents:].sum() ** 2 / (ranks[parents:] ** 2).sum()
        self._mass = float(mass)
        self._rank_one = 2 / ((dimension + 1.3) ** 2 + mass)  # eq. 57
        self._rank_many = min(
            1 - self._rank_one - 1e-8, 2 * (mass - 2 + 1 / mass) / ((dimension + 2) ** 2 + mass)
        )  # eq. 58
        negative = min(
            1 + self._rank_one / self._rank_many,  # eq. 50
            1 + 2 * mass_minus / (mass + 2),  # eq. 51
            (1 - self._rank_one - self._rank_many) / (dimension * self._rank_many),  # eq. 52
        )
        positive_sum, negative_sum = ranks[ranks > 0].sum(), -ranks[ranks < 0].sum()
        self._weights = np.where(ranks >= 0, ranks / positive_sum, negative * ranks / negative_sum)  # eq. 53
        self._step_rate = (mass + 2) / (dimension + mass + 5)  # c_σ, eq. 55
        self._damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (dimension + 1)) - 1) + self._step_rate
        self._shape_rate = (4 + mass / dimension) / (dimension + 4 + 2 * mass / dimension)  # c_c, eq. 56
        self._expected_norm = math.sqrt(dimension) * (1 - 1 / (4 * dimension) + 1 / (21 * dimension**2))

    def _decompose(self) -> None:
        values, vectors = np.linalg.eigh(self.covariance)
        roots = np.sqrt(values.clip(1e-16))
        self._root = vectors * roots[:, None, :]  # B D
        self._inverse_root = (vectors / roots[:, None, :]) @ vectors.swapaxes(1, 2)  # C^(−1/2)

    def ask(self, generators: list[np.random.Generator]) -> Array:
        """Return samples of shape (s, λ, d); ``generators`` holds one generator for each of the s starts."""
        shape = self._population, self.mean.shape[1]
        normal = np.stack([generator.standard_normal(shape) for generator in generators])
        steps = normal @ self._root.swapaxes(1, 2)  # ~ N(0, C)
        return np.asarray(self.mean[:, None] + self.sigma[:, None, None] * steps)

    def tell(self, samples: Array, losses: Array) -> None:
        """Move every distribution towards the better of its samples.

        Args:
            samples: The result of `ask`, shape (s, λ, d); they may have been clipped.
            losses: Their losses, shape (s, λ); lower is better.
        """
        self._generation += 1
        order = np.argsort(losses, axis=1, kind="stable")
        ranked = np.take_along_axis(samples, order[:, :, None], axis=1)
        steps = (ranked - self.mean[:, None]) / self.sigma[:, None, None]
        step = np.einsum("k,skd->sd", self._weights[: self._parents], steps[:, : self._parents])  # eq. 41
        self.mean = self.mean + self.sigma[:, None] * step  # eq. 42
        self._update_step_size(step)
        self._update_covariance(steps, step)
        self._decompose()

    def _update_step_size(self, step: Array) -> None:
        rate = self._step_rate
        whitened = np.einsum("sde,se->sd", self._inverse_root, step)
        self._step_path = (1 - rate) * self._step_path + math.sqrt(rate * (2 - rate) * self._mass) * whitened  # eq. 43
        length = np.linalg.norm(self._step_path, axis=1) / self._expected_norm
        self.sigma = np.minimum(self.sigma * np.exp(rate / self._damping * (length - 1)), 1e32)  # eq. 44
        unbiased = length / math.sqrt(1 - (1 - rate) ** (2 * (self._generation + 1)))
        self._calm = (unbiased < 1.4 + 2 / (step.shape[1] + 1)).astype(np.float64)  # h_σ

    def _update_covariance(self, steps: Array, step: Array) -> None:
        rate, calm, dimension = self._shape_rate, self._calm, step.shape[1]
        pull = calm * math.sqrt(rate * (2 - rate) * self._mass)
        self._shape_path = (1 - rate) * self._shape_path + pull[:, None] * step  # eq. 45
        lengths = np.square(steps @ self._inverse_root).sum(-1) + 1e-8
        weights = self._weights * np.where(self._weights >= 0, 1.0, dimension / lengths)  # eq. 46
        kept = 1 + self._rank_one * (1 - calm) * rate * (2 - rate) - self._rank_one
        kept = kept - self._rank_many * self._weights.sum()
        path = self._shape_path[:, :, None] * self._shape_path[:, None]
        many = (steps * weights[:, :, None]).swapaxes(1, 2) @ steps
        updated = kept[:, None, None] * self.covariance + self._rank_one * path + self._rank_many * many  # eq. 47
        self.covariance = (updated + updated.swapaxes(1, 2)) / 2
