"""A reference Gaussian process with explicit matrices, written independently of the package."""

import math

import numpy as np

JITTER = 1e-4


def reference_kernel(first, second, lengthscale):
    """Return the Matérn-5/2 kernel."""
    distance = np.sqrt((((first[:, None] - second) / lengthscale) ** 2).sum(-1))
    return (1 + math.sqrt(5) * distance + 5 * distance**2 / 3) * np.exp(-math.sqrt(5) * distance)


def reference_posterior(case, queries):
    """Return the posterior of f(z) = mean + w(z)ᵀ P g + h(z) given y = mean + g + noise.

    Here g ~ N(0, S) and h ~ GP(0, ρ r).
    """
    points, lengthscale, similarity = case["points"], case["lengthscale"], case["similarity"]
    latent = reference_kernel(points, points, lengthscale) + JITTER * np.eye(len(points))
    cross = reference_kernel(queries, points, lengthscale)
    residual = reference_kernel(queries, queries, lengthscale) - cross @ np.linalg.solve(latent, cross.T)
    weights = np.linalg.solve(latent, cross.T).T @ np.eye(len(similarity))[case["instruction"]]  # w(z)ᵀ P
    prior = weights @ similarity @ weights.T + case["correction"] * residual
    with_scores = weights @ similarity
    scores = similarity + np.diag(case["noise"])
    mean = case["mean"] + with_scores @ np.linalg.solve(scores, case["targets"] - case["mean"])
    return mean, prior - with_scores @ np.linalg.solve(scores, with_scores.T)
