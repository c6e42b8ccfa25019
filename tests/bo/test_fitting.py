"""The marginal likelihood compared with scipy's densities, and leave-one-out with explicit refits."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from instructzero.bo.fitting import (
    LENGTHSCALE_PRIOR,
    MAXIMUM_FITTED,
    MINIMUM_NOISE,
    NOISE_PRIOR,
    FixedSimilarity,
    LeaveOneOutFit,
    MaternSimilarity,
    fit_leave_one_out,
    fit_marginal_likelihood,
    negative_log_posterior,
    spread_rows,
)
from instructzero.bo.kernels import matern52
from instructzero.bo.surrogate import CoupledGP


def random_case(seed, kind, known_noise, count=9, features=3):
    """Return a similarity, targets, the noise or None, and parameters; two instructions have equal features."""
    generator = np.random.default_rng(seed)
    x = torch.from_numpy(generator.integers(0, 2, (count, features)).astype(float))
    x[-1] = x[0]
    similarity = MaternSimilarity(x) if kind == "matern" else FixedSimilarity(gram(x))
    noise = torch.from_numpy(generator.uniform(0.05, 0.5, count)) if known_noise else None
    logs = generator.uniform(-1.5, 1.0, len(similarity.priors))
    scale_and_mean, log_noise = generator.normal(size=2), generator.uniform(-4, 0, 0 if known_noise else 1)
    parameters = np.concatenate([logs, scale_and_mean, log_noise])
    return similarity, torch.from_numpy(generator.normal(size=count)), noise, torch.from_numpy(parameters)


def gram(x):
    """Return the share of equal features."""
    return (x[:, None] == x).double().mean(-1)


def log_posterior(parameters, similarity, targets, noise):
    """Return the log posterior from scipy's densities; priors are on lengthscales and noise, not their logarithms."""
    size = len(similarity.priors)
    lengthscale, scale, mean = np.exp(parameters[:size]), math.exp(parameters[size]), parameters[size + 1]
    variances = np.full(len(targets), math.exp(parameters[-1])) if noise is None else noise.numpy()
    if size:
        matrix = matern52(similarity.features, similarity.features, torch.tensor(lengthscale)).numpy()
    else:
        matrix = similarity.values.numpy()
    value = stats.multivariate_normal(np.full(len(targets), mean), scale * matrix + np.diag(variances)).logpdf(targets)
    concentration, rate = LENGTHSCALE_PRIOR
    value += stats.gamma(concentration, scale=1 / rate).logpdf(lengthscale).sum()
    if noise is None:
        value += stats.gamma(NOISE_PRIOR[0], scale=1 / NOISE_PRIOR[1]).logpdf(variances[0])
    return value


cases = pytest.mark.parametrize(("kind", "known_noise"), [(k, n) for k in ("matern", "fixed") for n in (True, False)])


@cases
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_gradient_of_log_posterior_equals_finite_differences(kind, known_noise, seed):
    *rest, parameters = random_case(seed, kind, known_noise)
    _, gradient = negative_log_posterior(parameters, *rest)
    expected = optimize.approx_fprime(parameters.numpy(), lambda at: log_posterior(at, *rest), 1e-6)
    np.testing.assert_allclose(gradient, -expected, rtol=1e-3, atol=1e-3 * max(1, gradient.abs().max().item()))


@cases
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_difference_of_log_posteriors_equals_scipy_densities(kind, known_noise, seed):
    similarity, targets, noise, first = random_case(seed, kind, known_noise)
    second = first + torch.from_numpy(np.random.default_rng(seed + 1).uniform(-0.5, 0.5, len(first)))
    found = [negative_log_posterior(at, similarity, targets, noise)[0] for at in (first, second)]
    expected = [-log_posterior(at.numpy(), similarity, targets, noise) for at in (first, second)]
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1], rel=1e-8, abs=1e-8)


def test_matern_similarity_equals_matern_kernel():
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 3)))
    logs = torch.tensor([-0.5, 0.1, 1.0], dtype=torch.float64)
    expected = matern52(features, features, logs.exp())
    np.testing.assert_allclose(MaternSimilarity(features).at(logs)[0], expected, rtol=1e-12)


@cases
@pytest.mark.parametrize("seed", range(3))
def test_marginal_likelihood_fit_reaches_stationary_point_or_bound(kind, known_noise, seed):
    similarity, targets, noise, _ = random_case(seed, kind, known_noise, count=25, features=4)
    fitted = fit_marginal_likelihood(similarity, targets, noise)
    log_noise = [] if known_noise else [math.log(fitted.noise[0])]
    scale_and_mean = [math.log(fitted.outputscale), fitted.mean]
    at = np.array([*fitted.lengthscale.log().tolist(), *scale_and_mean, *log_noise])
    gradient = negative_log_posterior(torch.from_numpy(at), similarity, targets, noise)[1].numpy()
    lower, upper = lower_and_upper_bounds(len(similarity.priors), known_noise)
    free = (at > lower + 1e-9) & (at < upper - 1e-9)
    np.testing.assert_allclose(gradient[free], 0, atol=2e-2)
    assert (gradient[at <= lower + 1e-9] >= 0).all()
    assert (gradient[at >= upper - 1e-9] <= 0).all()


def lower_and_upper_bounds(size, known_noise):
    noise = [] if known_noise else [(math.log(MINIMUM_NOISE), 3.0)]
    return np.array([(-5.0, 5.0)] * size + [(-6.0, 6.0), (-5.0, 5.0), *noise]).T


def test_fit_keeps_known_noise_and_fits_one_unknown_variance():
    similarity, targets, noise, _ = random_case(0, "fixed", True)
    np.testing.assert_array_equal(fit_marginal_likelihood(similarity, targets, noise).noise, noise)
    fitted = fit_marginal_likelihood(similarity, targets, None).noise
    assert fitted.shape == targets.shape
    assert len(set(fitted.tolist())) == 1


@settings(deadline=None)
@given(count=st.integers(1, 5_000))
def test_spread_rows_takes_all_of_few_and_spaced_rows_of_many(count):
    rows = spread_rows(count)
    assert len(rows) == min(count, MAXIMUM_FITTED)
    assert (rows[0], rows[-1]) == (0, count - 1)
    assert count == 1 or np.ptp(rows.diff().numpy()) <= 1


@pytest.mark.parametrize("kind", ["matern", "fixed"])
def test_fit_of_many_instructions_equals_fit_of_spread_rows(kind):
    similarity, targets, noise, _ = random_case(0, kind, True, count=MAXIMUM_FITTED + 50)
    rows = spread_rows(len(targets))
    whole = fit_marginal_likelihood(similarity, targets, noise)
    part = fit_marginal_likelihood(similarity.subset(rows), targets[rows], noise[rows])
    assert (whole.outputscale, whole.mean) == (part.outputscale, part.mean)
    np.testing.assert_array_equal(whole.lengthscale, part.lengthscale)
    np.testing.assert_array_equal(whole.noise, noise)


@pytest.mark.parametrize("kind", ["matern", "fixed"])
def test_subset_of_similarity_equals_submatrix(kind):
    similarity, *_ = random_case(0, kind, True)
    rows, logs = torch.tensor([1, 4, 8]), torch.zeros(len(similarity.priors), dtype=torch.float64)
    part = similarity.subset(rows)
    assert len(part.priors) == len(similarity.priors)
    np.testing.assert_allclose(part.at(logs)[0], similarity.at(logs)[0][rows][:, rows], rtol=1e-12)


def test_fit_recovers_noise_of_many_observations():
    generator = np.random.default_rng(0)
    x = torch.from_numpy(generator.uniform(0, 1, (150, 1)))
    targets = torch.sin(6 * x[:, 0]) + torch.from_numpy(generator.normal(scale=0.3, size=150))
    noise = fit_marginal_likelihood(MaternSimilarity(x), targets, None).noise[0].item()
    assert noise == pytest.approx(0.09, rel=0.3)


def left_out(points, similarity, targets, noise, mean, lengthscale, correction):
    """Return mean and variance of every score, from a process fitted to all other instructions."""
    predictions = []
    for i in range(len(targets)):
        others = torch.arange(len(targets)) != i
        gp = CoupledGP(
            points[others],
            torch.arange(len(targets) - 1),
            similarity[others][:, others],
            targets[others],
            noise[others],
            lengthscale=torch.full((points.shape[1],), lengthscale, dtype=torch.float64),
            mean=mean,
            correction=correction,
        )
        mean_of_i, variance = gp.posterior(points[i : i + 1])
        # The prior variance of the omitted point includes the jitter, like that of the other points.
        predictions.append((mean_of_i.item(), variance.item() + noise[i].item()))
    return np.array(predictions).T


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 12),
    lengthscale=st.floats(0.15, 8.0),
    correction=st.sampled_from([0.0, 0.3, 5.0]),
)
def test_leave_one_out_equals_refitting_without_each_instruction(seed, count, lengthscale, correction):
    generator = np.random.default_rng(seed)
    points = torch.from_numpy(generator.uniform(-1, 1, (count, 3)))
    similarity = 1.7 * gram(torch.from_numpy(generator.integers(0, 2, (count, 4))))
    targets, noise = (
        torch.from_numpy(values) for values in (generator.normal(size=count), generator.uniform(0.01, 0.5, count))
    )
    mean = generator.normal()
    latent = matern52(points, points, torch.full((3,), lengthscale, dtype=torch.float64))
    found = LeaveOneOutFit(similarity, targets, noise, mean).predict(latent)
    expected_mean, expected_variance = left_out(points, similarity, targets, noise, mean, lengthscale, correction)
    np.testing.assert_allclose(found.mean, expected_mean, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.coupled + correction * found.residual, expected_variance, rtol=1e-7)
    density = stats.norm(expected_mean, np.sqrt(expected_variance)).logpdf(targets.numpy()).sum()
    constant = 0.5 * count * math.log(2 * math.pi)
    found_density = found.log_density(targets, torch.tensor([correction], dtype=torch.float64)).item()
    assert found_density - constant == pytest.approx(density, rel=1e-7, abs=1e-7)


def fitted_scales(targets, points, corrected):
    points, targets = torch.from_numpy(points), torch.from_numpy(targets)
    noise = torch.full_like(targets, 0.01)
    return fit_leave_one_out(points, torch.eye(len(targets)).double(), targets, noise, 0.0, corrected=corrected)


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_lengthscale_is_long_for_smooth_and_short_for_rough_scores(seed, corrected):
    """Rough scores are equal within pairs of close points, and independent between the pairs."""
    generator = np.random.default_rng(seed)
    pairs = generator.uniform(-1, 1, (20, 2))
    points = np.concatenate([pairs, pairs + 0.02])
    smooth = points[:, 0] / points[:, 0].std()
    rough = np.tile(generator.normal(size=20), 2)
    assert fitted_scales(smooth, points, corrected)[0] > 1.0
    assert fitted_scales(rough, points, corrected)[0] < 0.5


def test_correction_is_zero_by_default_and_grows_with_unexplained_scores():
    points = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    rough = np.random.default_rng(1).normal(size=30)
    assert fitted_scales(rough, points, corrected=False)[1] == 0
    assert fitted_scales(3 * rough, points, corrected=True)[1] > fitted_scales(0.1 * rough, points, corrected=True)[1]


@pytest.mark.parametrize("corrected", [True, False])
def test_leave_one_out_fits_single_and_repeated_instructions(corrected):
    for points in (np.zeros((1, 2)), np.zeros((5, 2))):
        lengthscale, correction = fitted_scales(np.zeros(len(points)), points, corrected)
        assert math.isfinite(lengthscale)
        assert lengthscale > 0
        assert (correction > 0) == corrected
