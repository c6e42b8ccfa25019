"""t-SNE in its exact form, for the few hundred points of a map: quicker than loading a library that has it.

Van der Maaten and Hinton, *Visualizing Data using t-SNE*, JMLR 9, 2008. Notation: n points of dimension d.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ITERATIONS = 400
_EXAGGERATED = 100  # iterations in which attraction is stronger, so that clusters form
_EXAGGERATION = 12.0
_LEAST = 1e-12


def tsne(points: Array, start: Array, *, perplexity: float = 30.0) -> Array:
    """Points of the plane (n, 2) whose neighbourhoods are like those of ``points`` (n, d), from ``start`` (n, 2).

    The same input gives the same output. Perplexity is lowered where there are few points; needs at least 4.
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
    """4 Σⱼ (pᵢⱼ − qᵢⱼ) wᵢⱼ (yᵢ − yⱼ) with w = 1 / (1 + ‖yᵢ − yⱼ‖²) and q = w / Σ w."""
    w = 1 / (1 + _squared_distances(places))
    np.fill_diagonal(w, 0)
    pull = (p - w / w.sum()) * w
    gradient: Array = 4 * (pull.sum(axis=1, keepdims=True) * places - pull @ places)
    return gradient


def _joint(points: Array, perplexity: float) -> Array:
    """pᵢⱼ, shape (n, n): symmetric, summing to 1, each row's Gaussian as wide as the perplexity says."""
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
    """Each row's probabilities of its neighbours: exp(−β d²), normalised."""
    farther = np.where(others, distances, np.inf)  # a point is no neighbour of itself
    weights = np.exp(-precision * (farther - farther.min(axis=1, keepdims=True)))
    shares: Array = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _squared_distances(points: Array) -> Array:
    squares = (points**2).sum(axis=1)
    distances: Array = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
    return distances
