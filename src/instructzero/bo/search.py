"""Maximising an acquisition function from many starts at once: CMA-ES, or gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from instructzero.bo.cma import LockStepCMA

Points = NDArray[np.float64]
"""One point per row, shape (q, d)."""

Acquisition = Callable[[Tensor], Tensor]
"""Maps points of shape (q, d), float64, to values of shape (q,); differentiable."""


def evolve_from_starts(
    acquisition: Acquisition,
    starts: Points,
    *,
    box: tuple[float, float],
    sigma: float,
    population: int,
    generations: int,
    seed: int,
) -> tuple[Points, NDArray[np.float64]]:
    """Return the best point that CMA-ES samples from each start, with its value.

    All starts advance together, so that ``acquisition`` is called once per generation. Samples outside the box are
    clipped to it. Each start has its own generator: the path from one start does not depend on the others.

    Args:
        acquisition: The function to maximise.
        starts: The initial means, shape (s, d); clipped to the box.
        box: The lower and the upper bound of every coordinate.
        sigma: The initial step size.
        population: Samples per start and generation.
        generations: The number of generations.
        seed: The seed of all generators.

    Returns:
        Points of shape (s, d) and values of shape (s,).
    """
    starts = np.clip(starts, *box)
    count, dimension = starts.shape
    strategy = LockStepCMA(starts, sigma=sigma, population=population)
    generators = [np.random.default_rng([seed, start]) for start in range(count)]
    best_points, best_values = starts.copy(), np.full(count, -np.inf)
    for _ in range(generations):
        samples = np.clip(strategy.ask(generators), *box)
        with torch.no_grad():
            values = acquisition(torch.from_numpy(samples.reshape(-1, dimension))).numpy().reshape(count, population)
        values = np.where(np.isnan(values), -np.inf, values)
        strategy.tell(samples, -values)
        top = values.argmax(1)
        found = np.take_along_axis(values, top[:, None], axis=1)[:, 0]
        better = found > best_values
        best_values = np.where(better, found, best_values)
        best_points[better] = samples[better, top[better]]
    return best_points, best_values


def ascend_from_starts(
    acquisition: Acquisition, starts: Points, *, box: tuple[float, float], iterations: int
) -> tuple[Points, NDArray[np.float64]]:
    """Return the point that gradient ascent reaches from each start, with its value; shapes (s, d) and (s,).

    A single L-BFGS-B run maximises the sum over all starts, whose gradient consists of the gradients of the starts.
    A start whose value decreased keeps its initial point.

    Args:
        acquisition: The function to maximise.
        starts: The initial points, shape (s, d); clipped to the box.
        box: The lower and the upper bound of every coordinate.
        iterations: The maximum number of L-BFGS-B iterations.
    """
    clipped = np.clip(starts, *box)

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        points = torch.from_numpy(flat.reshape(starts.shape)).requires_grad_(True)
        loss = -acquisition(points).sum()
        (gradient,) = torch.autograd.grad(loss, points)
        return loss.item(), gradient.numpy().ravel()

    solution = minimize(
        objective,
        clipped.ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[box] * starts.size,
        options={"maxiter": iterations},
    ).x.reshape(starts.shape)
    with torch.no_grad():
        before = acquisition(torch.from_numpy(clipped)).numpy()
        after = acquisition(torch.from_numpy(solution)).numpy()
    better = after > before
    return np.where(better[:, None], solution, clipped), np.where(better, after, before)
