"""The surrogate as a BoTorch model."""

import numpy as np
import pytest
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.objective import ScalarizedPosteriorTransform
from botorch.optim import optimize_acqf
from botorch.sampling.normal import SobolQMCNormalSampler

from instructzero.bo.acquisition import log_expected_improvement
from instructzero.bo.botorch_model import SurrogateModel
from instructzero.bo.surrogate import Observations, SurrogateOptions, fit_surrogate

BOUNDS = torch.tensor([[-1.0] * 3, [1.0] * 3], dtype=torch.float64)


def fit(kernel):
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 2, (8, 6)).astype(float)
    observations = Observations(
        points=torch.from_numpy(generator.uniform(-1, 1, (10, 3))),
        instruction=torch.tensor([*range(8), 0, 3]),
        scores=torch.from_numpy(scores),
        predictions=[[str(int(score)) for score in row] for row in scores],
    )
    return fit_surrogate(observations, SurrogateOptions(kernel=kernel))


@pytest.fixture(params=["coupled", "corrected", "standard"])
def surrogate(request):
    return fit(request.param)


def uniform(*shape):
    return torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, shape))


def best_of(surrogate):
    return float(surrogate.targets.max())


def test_model_has_one_outcome_and_empty_batch_shape(surrogate):
    model = SurrogateModel(surrogate)
    assert model.num_outputs == 1
    assert model.batch_shape == torch.Size([])


@pytest.mark.parametrize("shape", [(1, 3), (4, 3), (5, 1, 3), (5, 4, 3), (2, 5, 4, 3)])
def test_posterior_shape_has_one_outcome_per_point(surrogate, shape):
    posterior = SurrogateModel(surrogate).posterior(uniform(*shape))
    assert posterior.mean.shape == posterior.variance.shape == (*shape[:-1], 1)
    assert posterior.rsample(torch.Size([7])).shape == (7, *shape[:-1], 1)


def test_posterior_equals_surrogate_posterior(surrogate):
    points = uniform(6, 3)
    mean, variance = surrogate.posterior(points)
    _, covariance = surrogate.joint_posterior(points)
    together = SurrogateModel(surrogate).posterior(points)
    apart = SurrogateModel(surrogate).posterior(points.unsqueeze(1))
    for posterior in (together, apart):
        np.testing.assert_allclose(posterior.mean.flatten(), mean, rtol=1e-9)
        np.testing.assert_allclose(posterior.variance.flatten(), variance, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(together.distribution.covariance_matrix, covariance, rtol=1e-12)


def test_posterior_samples_have_surrogate_mean_and_covariance(surrogate):
    points = uniform(3, 3)
    sampler = SobolQMCNormalSampler(torch.Size([4096]), seed=0)
    samples = sampler(SurrogateModel(surrogate).posterior(points)).squeeze(-1)
    mean, covariance = surrogate.joint_posterior(points)
    scale = covariance.diagonal().max().sqrt().item()
    np.testing.assert_allclose(samples.mean(0), mean, atol=0.02 * scale)
    np.testing.assert_allclose(np.cov(samples.T), covariance, atol=0.05 * scale**2)


def test_botorch_log_expected_improvement_equals_package_function(surrogate):
    points, best = uniform(50, 3), best_of(surrogate)
    found = LogExpectedImprovement(SurrogateModel(surrogate), best_f=best)(points.unsqueeze(1))
    np.testing.assert_allclose(found, log_expected_improvement(*surrogate.posterior(points), best), rtol=1e-6)


def test_posterior_transform_scales_posterior(surrogate):
    transform = ScalarizedPosteriorTransform(torch.tensor([-2.0], dtype=torch.float64))
    points = uniform(4, 3)
    plain = SurrogateModel(surrogate).posterior(points)
    transformed = SurrogateModel(surrogate).posterior(points, posterior_transform=transform)
    np.testing.assert_allclose(transformed.mean, -2 * plain.mean, rtol=1e-12)
    np.testing.assert_allclose(transformed.variance, 4 * plain.variance, rtol=1e-12)


@pytest.mark.parametrize("noise", [True, torch.full((4, 1), 0.1)])
def test_observation_noise_raises_not_implemented(surrogate, noise):
    with pytest.raises(NotImplementedError, match="observation_noise=False"):
        SurrogateModel(surrogate).posterior(uniform(4, 3), observation_noise=noise)


def test_optimize_acqf_maximises_log_expected_improvement(surrogate):
    best = best_of(surrogate)
    acquisition = LogExpectedImprovement(SurrogateModel(surrogate), best_f=best)
    torch.manual_seed(0)
    point, value = optimize_acqf(acquisition, BOUNDS, q=1, num_restarts=4, raw_samples=64)
    assert point.shape == (1, 3)
    assert (point.abs() <= 1).all()
    elsewhere = log_expected_improvement(*surrogate.posterior(uniform(200, 3)), best)
    assert value >= elsewhere.quantile(0.99)


def optimise_two(surrogate):
    """Return two points, optimised one after the other, and the joint value after each step."""
    sampler = SobolQMCNormalSampler(torch.Size([64]), seed=0)
    acquisition = qLogExpectedImprovement(SurrogateModel(surrogate), best_f=best_of(surrogate), sampler=sampler)
    torch.manual_seed(0)
    return optimize_acqf(acquisition, BOUNDS, q=2, num_restarts=3, raw_samples=32, sequential=True)


def test_sequential_optimisation_of_two_points_increases_joint_value(surrogate):
    points, values = optimise_two(surrogate)
    assert points.shape == (2, 3)
    assert (points.abs() <= 1).all()
    assert torch.isfinite(values).all()
    assert values[1] >= values[0]


@pytest.mark.parametrize("kernel", ["corrected", "standard"])
def test_two_optimised_points_differ_with_corrected_variance(kernel):
    """The coupled kernel is excluded: with it, repeating the first point can have the highest value."""
    first, second = optimise_two(fit(kernel))[0]
    assert (first - second).norm() > 0.1
