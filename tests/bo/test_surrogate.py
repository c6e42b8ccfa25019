"""The surrogate against an independent dense reference, and its laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.acquisition import expected_improvement
from instructzero.bo.kernels import LATENT_JITTER, CouplingWeights, matern52
from instructzero.bo.surrogate import (
    LATENT_LENGTHSCALE,
    Hyperparameters,
    InstructionCoupledGP,
    fit_hyperparameters,
    standardise,
)


def reference_matern52(first, second, lengthscale):
    """One pair at a time, from the textbook."""
    distance = math.sqrt(sum(((a - b) / s) ** 2 for a, b, s in zip(first, second, lengthscale, strict=True)))
    return (1 + math.sqrt(5) * distance + 5 * distance**2 / 3) * math.exp(-math.sqrt(5) * distance)


def random_case(seed, n=7, d=3, m=5):
    generator = np.random.default_rng(seed)
    z = generator.uniform(-1, 1, (n, d))
    scores = generator.integers(0, 2, (n, m)).astype(float)
    scores[-1] = scores[0]  # two instructions that did the same
    queries = generator.uniform(-1, 1, (6, d))
    hyperparameters = Hyperparameters(
        torch.from_numpy(generator.uniform(0.2, 2, m)),
        *generator.uniform(0.1, 2, 2).tolist(),
        generator.normal(),
    )
    return z, scores, queries, hyperparameters


def reference_posterior(z, scores, queries, parameters):
    """Eq. 9 with explicit inverses, and the textbook posterior of a GP with that kernel."""
    lengthscale = np.full(z.shape[1], LATENT_LENGTHSCALE)
    kernel = lambda a, b, s: np.array([[reference_matern52(x, y, s) for y in b] for x in a])  # noqa: E731
    similarity = parameters.outputscale * kernel(scores, scores, parameters.score_lengthscale.numpy())
    inverse = np.linalg.inv(kernel(z, z, lengthscale) + LATENT_JITTER * np.eye(len(z)))
    coupled = lambda a, b: (  # noqa: E731
        kernel(a, z, lengthscale) @ inverse @ similarity @ inverse @ kernel(z, b, lengthscale)
    )
    cross = kernel(queries, z, lengthscale) @ inverse @ similarity
    noisy = np.linalg.inv(similarity + parameters.noise * np.eye(len(z)))
    means = scores.mean(axis=1)
    targets = (means - means.mean()) / means.std(ddof=1)
    mean = parameters.mean + cross @ noisy @ (targets - parameters.mean)
    return mean, np.diag(coupled(queries, queries) - cross @ noisy @ cross.T)


@pytest.mark.parametrize("seed", range(20))
def test_posterior_equals_dense_reference(seed):
    z, scores, queries, parameters = random_case(seed)
    gp = InstructionCoupledGP(torch.from_numpy(z), torch.from_numpy(scores), parameters)
    mean, variance = gp.posterior(torch.from_numpy(queries))
    expected_mean, expected_variance = reference_posterior(z, scores, queries, parameters)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(variance, expected_variance, rtol=1e-6, atol=1e-10)


def test_matern_equals_textbook_and_botorchs():
    gpytorch = pytest.importorskip("gpytorch")
    first, second = torch.rand(5, 4, dtype=torch.float64), torch.rand(3, 4, dtype=torch.float64)
    lengthscale = torch.tensor([0.3, 0.5, 1.0, 2.0], dtype=torch.float64)
    ours = matern52(first, second, lengthscale)
    expected = [[reference_matern52(x, y, lengthscale.tolist()) for y in second.tolist()] for x in first.tolist()]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    kernel = gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=4).double()
    kernel.lengthscale = lengthscale
    np.testing.assert_allclose(ours, kernel(first, second).to_dense().detach(), rtol=1e-10)


def test_coupled_kernel_on_observed_points_is_the_similarity():
    z = torch.from_numpy(random_case(0)[0])
    weights = CouplingWeights(z, torch.full((3,), LATENT_LENGTHSCALE, dtype=torch.float64), jitter=1e-10)
    np.testing.assert_allclose(weights(z), np.eye(len(z)), atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 12), constant=st.sampled_from([None, 0.0, 1.0]))
def test_fitted_posterior_is_finite_and_never_negative(seed, n, constant):
    """Also for one observation, repeated points, and scores that are all 0 or all 1."""
    generator = np.random.default_rng(seed)
    z = np.repeat(generator.uniform(-1, 1, ((n + 1) // 2, 4)), 2, axis=0)[:n]
    scores = generator.integers(0, 2, (n, 6)).astype(float) if constant is None else np.full((n, 6), constant)
    gp = InstructionCoupledGP.fit(torch.from_numpy(z), torch.from_numpy(scores))
    mean, variance = gp.posterior(torch.from_numpy(generator.uniform(-1, 1, (5, 4))))
    assert torch.isfinite(mean).all()
    assert (variance > 0).all()


def test_fit_reaches_a_stationary_point():
    """No neighbour of the optimum within the bounds is more probable; the noise ends at its lower bound here."""
    from instructzero.bo.surrogate import _negative_log_posterior

    generator = torch.Generator().manual_seed(0)
    scores = torch.from_numpy(np.random.default_rng(1).integers(0, 2, (30, 5)).astype(float))
    targets = standardise(scores.mean(dim=1))
    fitted = fit_hyperparameters(scores, targets)
    logs = [
        fitted.score_lengthscale.log(),
        torch.tensor([math.log(fitted.outputscale), math.log(fitted.noise)]),
    ]
    point = torch.cat([*logs, torch.tensor([fitted.mean])]).double()
    here = _negative_log_posterior(point, scores, targets)
    for _ in range(50):
        step = 0.05 * torch.randn(len(point), dtype=torch.float64, generator=generator)
        step[-2] = step[-2].abs()
        assert _negative_log_posterior(point + step, scores, targets) >= here - 1e-3


def test_standardise_gives_zeros_for_equal_values():
    assert standardise(torch.full((4,), 0.3, dtype=torch.float64)).tolist() == [0, 0, 0, 0]
    assert standardise(torch.tensor([0.7], dtype=torch.float64)).tolist() == [0]


@given(mean=st.floats(-3, 3), deviation=st.floats(0.01, 3), best=st.floats(-3, 3))
def test_expected_improvement_equals_numerical_integral(mean, deviation, best):
    grid = np.linspace(-12, 12, 20_001)
    density = np.exp(-0.5 * grid**2) / math.sqrt(2 * math.pi)
    expected = np.trapezoid(np.maximum(mean + deviation * grid - best, 0) * density, grid)
    arguments = torch.tensor([mean], dtype=torch.float64), torch.tensor([deviation**2], dtype=torch.float64)
    assert expected_improvement(*arguments, best).item() == pytest.approx(expected, rel=1e-5, abs=1e-7)
