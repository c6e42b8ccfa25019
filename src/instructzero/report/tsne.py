"""Exact t-SNE for the few hundred points of a map. It is faster than importing a library for it.

Van der Maaten and Hinton, *Visualizing Data using t-SNE*, JMLR 9, 2008. Notation: n points of dimension d.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ITERATIONS = 400
"""The number of gradient steps."""

_EXAGGERATED = 100  # iterations of early exaggeration: stronger attraction lets clusters form
_EXAGGERATION = 12.0
_LEAST = 1e-12


def tsne(points: Array, start: Array, *, perplexity: float = 30.0) -> Array:
    """Embed points in the plane so that neighbourhoods are preserved. The result is deterministic.

    Parameters
    ----------
    points
        Shape (n, d), n at least 4.
    start
        The initial embedding, shape (n, 2).
    perplexity
        The effective number of neighbours of a point; lowered to (n − 1) / 3 if that is smaller.

    Returns
    -------
    The embedded points, shape (n, 2).
    """
    n = len(points)
    p = _joint(points, min(perplexity, (n - 1) / 3))
    places: Array = start / max(start[:, 0].std(), _LEAST) * 1e-4
    velocity, gains = np.zeros_like(places), np.ones_like(places)
    rate = max(n / _EXAGGERATION / 4, 50.0)
    for iteration in range(ITERATIONS):
        early = iteration < _EXAGGERATED
        gradient = _gradient(p * _EXAGGERATION if early else p, places)
        agree = np.sign(gradient) == np.sign(velocity)
        gains = np.where(agree, gains * 0.8, gains + 0.2).clip(0.01)
        velocity = (0.5 if early else 0.8) * velocity - rate * gains * gradient
        places = places + velocity
        places -= places.mean(axis=0)
    return places


def _gradient(p: Array, places: Array) -> Array:
    """Return 4 Σⱼ (pᵢⱼ − qᵢⱼ) wᵢⱼ (yᵢ − yⱼ) with w = 1 / (1 + ‖yᵢ − yⱼ‖²), q = w / Σ w (Eq. 5)."""
    w = 1 / (1 + _squared_distances(places))
    np.fill_diagonal(w, 0)
    pull = (p - w / w.sum()) * w
    gradient: Array = 4 * (pull.sum(axis=1, keepdims=True) * places - pull @ places)
    return gradient


def _joint(points: Array, perplexity: float) -> Array:
    """Return pᵢⱼ, shape (n, n): symmetric, summing to 1; bisection sets the width of every Gaussian by perplexity."""
    distances = _squared_distances(points)
    others = ~np.eye(len(points), dtype=bool)
    distances = distances / max(distances[others].mean(), _LEAST)
    low, high = np.full((len(points), 1), -20.0), np.full((len(points), 1), 20.0)  # of log β
    for _ in range(50):
        middle = (low + high) / 2
        p = _conditional(distances, np.exp(middle), others)
        entropy = -(p * np.log(np.maximum(p, _LEAST))).sum(axis=1, keepdims=True)
        low, high = np.where(entropy > np.log(perplexity), [middle, high], [low, middle])
    joint: Array = np.maximum((p + p.T) / (2 * len(points)), _LEAST)
    return joint


def _conditional(distances: Array, precision: Array, others: NDArray[np.bool_]) -> Array:
    """Return the neighbour probabilities of every row (Eq. 1): exp(−β d²), normalised."""
    farther = np.where(others, distances, np.inf)  # a point is not its own neighbour
    weights = np.exp(-precision * (farther - farther.min(axis=1, keepdims=True)))
    shares: Array = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _squared_distances(points: Array) -> Array:
    squares = (points**2).sum(axis=1)
    distances: Array = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
    return distances
