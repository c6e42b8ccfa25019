"""The tangent kernel and the derived process, compared with networks and hand computations."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.ntk import DerivedGP, TangentKernel


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def normal(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def linear(first, second):
    return first @ second.T


def gradients_of_a_network(points, seed, width, depth):
    """Return ∇θ f at every point, by automatic differentiation of a network drawn in the documented order."""
    generator = np.random.default_rng(seed)
    sizes = [points.shape[1]] + depth * [width]
    shapes = [shape for below, above in itertools.pairwise(sizes) for shape in ((above, below), (above,))]
    parameters = [torch.from_numpy(generator.standard_normal(shape)).requires_grad_() for shape in [*shapes, sizes[-1]]]

    def network(x):
        for weights, biases in zip(parameters[:-1:2], parameters[1::2], strict=True):
            x = torch.tanh(weights @ x / math.sqrt(len(x)) + biases)
        return parameters[-1] @ x / math.sqrt(len(x))

    rows = [torch.autograd.grad(network(point), parameters) for point in points]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (4, 1), (5, 2), (3, 3), (7, 0)])
def test_kernel_equals_product_of_network_gradients(width, depth):
    first, second = normal(1, 4, 3), normal(2, 6, 3)
    expected = gradients_of_a_network(first, 9, width, depth) @ gradients_of_a_network(second, 9, width, depth).T
    found = TangentKernel(3, np.random.default_rng(9), width=width, depth=depth)(first, second)
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-12, atol=1e-12)


def test_kernel_of_one_neuron_equals_hand_computation():
    """For f = v tanh(w x + b), k = a a' + v² (1 − a²) (1 − a'²) (x x' + 1)."""
    w, b, v = np.random.default_rng(3).standard_normal(3)
    x, y = 0.4, -1.3
    a, c = math.tanh(w * x + b), math.tanh(w * y + b)
    expected = a * c + v**2 * (1 - a**2) * (1 - c**2) * (x * y + 1)
    kernel = TangentKernel(1, np.random.default_rng(3), width=1, depth=1)
    assert kernel(tensor([x]), tensor([y])).item() == pytest.approx(expected, rel=1e-13)


def test_kernel_without_hidden_layers_is_linear():
    kernel = TangentKernel(4, np.random.default_rng(0), depth=0)
    first, second = normal(1, 2, 4), normal(2, 3, 4)
    np.testing.assert_allclose(kernel(first, second), first @ second.T / 4, rtol=1e-14)


def test_linear_kernel_posterior_with_two_observations_equals_hand_computation():
    """By hand: K + Σ = diag(2, 5), so the mean is x₁ / 2 + 2 x₂ · 2 / 5."""
    gp = DerivedGP(linear, tensor([1.0, 0.0], [0.0, 2.0]), tensor(1.0, 2.0), tensor(1.0, 1.0))
    np.testing.assert_allclose(gp.mean(tensor([3.0, -1.0])), [0.7], rtol=1e-14)
    np.testing.assert_allclose(gp.gradient(tensor(3.0, -1.0)), [0.5, 0.8], rtol=1e-14)
    for direction, left in [(tensor(1.0, 0.0), 1 / 2), (tensor(0.0, 1.0), 1 / 5), (tensor(0.6, 0.8), 0.308)]:
        assert gp.slope_variance(tensor(3.0, -1.0), direction) == pytest.approx((left, 1.0), rel=1e-13)


def test_gradient_of_one_neuron_with_two_observations_equals_hand_computation():
    w, b, v = np.random.default_rng(5).standard_normal(3)
    observed, targets, noise, point = (-0.5, 1.2), (0.3, -0.8), 0.1, 0.7

    def neuron(x):
        a = math.tanh(w * x + b)
        return a, v * (1 - a**2)  # ∂f/∂v, ∂f/∂u

    def covariance(x, y):
        (a, s), (c, t) = neuron(x), neuron(y)
        return a * c + s * t * (x * y + 1)

    def slope(x, y):
        (a, s), (c, t) = neuron(x), neuron(y)
        return (1 - a**2) * w * c - 2 * a * w * s * t * (x * y + 1) + s * t * y

    first, second, both = (covariance(*pair) for pair in [(observed[0],) * 2, (observed[1],) * 2, observed])
    first, second = first + noise, second + noise
    determinant = first * second - both**2
    coefficients = (
        (second * targets[0] - both * targets[1]) / determinant,
        (first * targets[1] - both * targets[0]) / determinant,
    )
    expected = sum(coefficient * slope(point, x) for coefficient, x in zip(coefficients, observed, strict=True))
    kernel = TangentKernel(1, np.random.default_rng(5), width=1, depth=1)
    gp = DerivedGP(kernel, tensor(*observed).unsqueeze(-1), tensor(*targets), tensor(noise, noise))
    assert gp.gradient(tensor(point)).item() == pytest.approx(expected, rel=1e-12)


def process(seed, size=3, count=6, noise=0.05):
    kernel = TangentKernel(size, np.random.default_rng(seed), width=8)
    points = normal(seed + 1, count, size)
    return DerivedGP(kernel, points, normal(seed + 2, count), torch.full((count,), noise).double(), outputscale=0.7)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_equals_finite_differences_of_mean(seed):
    gp, point = process(seed), normal(seed + 3, 3)
    steps = 1e-6 * torch.eye(3, dtype=torch.float64)
    expected = (gp.mean(point + steps) - gp.mean(point - steps)) / 2e-6
    np.testing.assert_allclose(gp.gradient(point), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_slope_variance_equals_finite_difference_variance(seed):
    """The reference is Var[(f(x + ε u) − f(x − ε u)) / 2ε], under the prior and given the observations."""
    kernel = TangentKernel(3, np.random.default_rng(seed), width=8)
    observed, point, direction = normal(seed + 1, 6, 3), normal(seed + 3, 3), normal(seed + 4, 3)
    gp = process(seed)
    ends = torch.stack([point + 1e-3 * direction, point - 1e-3 * direction])
    weights = tensor(500.0, -500.0)
    cross = 0.7 * kernel(ends, observed)
    prior = 0.7 * kernel(ends, ends)
    given_observed = 0.7 * kernel(observed, observed) + 0.05 * torch.eye(6, dtype=torch.float64)
    posterior = prior - cross @ torch.linalg.solve(given_observed, cross.T)
    expected = [float(weights @ posterior @ weights), float(weights @ prior @ weights)]
    np.testing.assert_allclose(gp.slope_variance(point, direction), expected, rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), noise=st.floats(1e-3, 1e3))
def test_observations_never_increase_slope_variance(seed, noise):
    gp, point, direction = process(seed, noise=noise), normal(seed + 3, 3), normal(seed + 4, 3)
    variance, prior = gp.slope_variance(point, direction)
    assert 0 <= variance <= prior
    more_noise, same_prior = process(seed, noise=10 * noise).slope_variance(point, direction)
    assert same_prior == pytest.approx(prior)
    assert variance <= more_noise * (1 + 1e-9)


def test_mean_interpolates_noise_free_observations():
    points = normal(0, 5, 3)
    targets = normal(1, 5)
    gp = DerivedGP(TangentKernel(3, np.random.default_rng(2)), points, targets, torch.full((5,), 1e-9).double())
    np.testing.assert_allclose(gp.mean(points), targets, atol=1e-5)
