"""The Matérn kernel compared with its formula and gpytorch, and latent features with explicit inverses."""

import math

import numpy as np
import pytest
import torch
from gpytorch.kernels import MaternKernel

from instructzero.bo.kernels import LATENT_JITTER, LatentFeatures, matern52, matern52_of

LENGTHSCALE = torch.tensor([0.3, 0.5, 1.0, 2.0], dtype=torch.float64)


def uniform(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape))


def textbook(first, second, lengthscale):
    """Return the kernel from its formula, computed pair by pair."""
    distance = math.sqrt(sum(((a - b) / s) ** 2 for a, b, s in zip(first, second, lengthscale, strict=True)))
    return (1 + math.sqrt(5) * distance + 5 * distance**2 / 3) * math.exp(-math.sqrt(5) * distance)


def test_matern_equals_formula_for_every_pair():
    first, second = uniform(6, 4), uniform(5, 4, seed=1)
    expected = [[textbook(x, y, LENGTHSCALE.tolist()) for y in second.tolist()] for x in first.tolist()]
    np.testing.assert_allclose(matern52(first, second, LENGTHSCALE), expected, rtol=1e-12)


def test_matern_equals_gpytorch_kernel():
    first, second = uniform(6, 4), uniform(5, 4, seed=1)
    kernel = MaternKernel(nu=2.5, ard_num_dims=4).double()
    kernel.lengthscale = LENGTHSCALE
    expected = kernel(first, second).to_dense().detach()
    np.testing.assert_allclose(matern52(first, second, LENGTHSCALE), expected, rtol=1e-10)


def test_matern_of_equal_rows_far_from_origin_is_one():
    points = torch.cat([uniform(20, 4), 1e6 + uniform(20, 4)])
    np.testing.assert_allclose(matern52(points, points, LENGTHSCALE).diagonal(), 1.0, rtol=0, atol=1e-15)


def test_matern_of_batches_equals_single_batches():
    batches, second = uniform(2, 3, 5, 4), uniform(7, 4, seed=1)
    together = matern52(batches, second, LENGTHSCALE)
    assert together.shape == (2, 3, 5, 7)
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(together[i, j], matern52(batches[i, j], second, LENGTHSCALE), rtol=1e-14)


def test_matern_gradient_equals_finite_differences():
    first, second, lengthscale = uniform(3, 4), uniform(5, 4, seed=1), LENGTHSCALE.clone()
    inputs = [tensor.requires_grad_(True) for tensor in (first, second, lengthscale)]
    assert torch.autograd.gradcheck(matern52, inputs, rtol=1e-6, atol=1e-8)


def test_matern_gradient_at_coinciding_points_is_zero():
    points = uniform(1, 4).requires_grad_(True)
    matern52(points, points.detach(), LENGTHSCALE).sum().backward()
    assert points.grad.tolist() == [[0.0] * 4]


def test_matern_gradient_at_zero_distance_is_finite():
    squared = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    matern52_of(squared).backward()
    assert torch.isfinite(squared.grad).all()


def dense(observed, queries):
    """Return the weights L⁻¹ l(Z, z) and the explained part of l(z, z'), from an explicit inverse."""
    inverse = np.linalg.inv(matern52(observed, observed, LENGTHSCALE).numpy() + LATENT_JITTER * np.eye(len(observed)))
    cross = matern52(queries, observed, LENGTHSCALE).numpy()
    return cross @ inverse, cross @ inverse @ cross.T


def weights_of(latent, points):
    """Return w(z) = F⁻ᵀ h(z)."""
    return torch.linalg.solve_triangular(latent.factor.T, latent(points).mT, upper=True).mT


@pytest.mark.parametrize("seed", range(10))
def test_latent_features_equal_explicit_inverses(seed):
    observed, queries = uniform(8, 4, seed=seed), uniform(5, 4, seed=seed + 100)
    weights, explained = dense(observed, queries)
    latent = LatentFeatures(observed, LENGTHSCALE)
    features = latent(queries)
    np.testing.assert_allclose(features @ features.T, explained, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(weights_of(latent, queries), weights, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(latent.between(queries), matern52(queries, queries, LENGTHSCALE), rtol=1e-12)


def test_factor_squared_equals_latent_kernel_with_jitter():
    observed = uniform(6, 4)
    factor = LatentFeatures(observed, LENGTHSCALE, jitter=1e-3).factor
    expected = matern52(observed, observed, LENGTHSCALE) + 1e-3 * torch.eye(6, dtype=torch.float64)
    np.testing.assert_allclose(factor @ factor.T, expected, rtol=1e-12)


@pytest.mark.parametrize("jitter", [1e-10, LATENT_JITTER])
def test_weights_at_observed_points_are_unit_vectors_up_to_jitter(jitter):
    observed = uniform(6, 4)
    weights = weights_of(LatentFeatures(observed, LENGTHSCALE, jitter), observed)
    np.testing.assert_allclose(weights, np.eye(6), atol=20 * jitter)


def unexplained(latent, points):
    return latent.between(points).diagonal() - latent(points).square().sum(-1)


def test_residual_is_zero_at_observed_points_and_one_far_away():
    observed = uniform(6, 4)
    latent = LatentFeatures(observed, LENGTHSCALE)
    near = unexplained(latent, observed)
    assert (near >= 0).all()
    assert (near <= 1.01 * LATENT_JITTER).all()
    assert unexplained(latent, observed + 1e3).tolist() == [1.0] * 6


def test_residual_with_repeated_points_is_not_negative():
    observed = uniform(4, 4).repeat(3, 1)
    left = unexplained(LatentFeatures(observed, LENGTHSCALE), observed)
    assert (left >= 0).all()
    assert (left <= LATENT_JITTER).all()


def test_latent_features_of_batches_equal_single_batches():
    latent, queries = LatentFeatures(uniform(6, 4), LENGTHSCALE), uniform(2, 3, 5, 4, seed=1)
    assert latent(queries).shape == (2, 3, 5, 6)
    assert latent.between(queries).shape == (2, 3, 5, 5)
    np.testing.assert_allclose(latent(queries)[1, 2], latent(queries[1, 2]), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(latent.between(queries)[1, 2], latent.between(queries[1, 2]), rtol=1e-12)
