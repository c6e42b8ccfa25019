"""Expected improvement and its logarithm, compared with arithmetic of at least 50 digits."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.acquisition import expected_improvement, log_expected_improvement


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def exact(u):
    """Return u Φ(u) + φ(u) and its derivative Φ(u), to 50 digits."""
    with mpmath.workdps(70):
        u = mpmath.mpf(u)
        cumulative = mpmath.erfc(-u / mpmath.sqrt(2)) / 2
        return u * cumulative + mpmath.exp(-u * u / 2) / mpmath.sqrt(2 * mpmath.pi), cumulative


def exact_log(u):
    return float(mpmath.log(exact(u)[0]))


def exact_slope_of_log(u):
    improvement, cumulative = exact(u)
    return float(cumulative / improvement)


NEAR_BRANCHES = [
    branch + side * step for branch in (-1.0, -200.0) for side in (-1, 1) for step in (0, 1e-12, 1e-6, 1e-2)
]
RANGE = [*-np.geomspace(1e-3, 1e4, 100), 0.0, *np.geomspace(1e-3, 1e2, 60), *NEAR_BRANCHES]


def test_expected_improvement_equals_exact_arithmetic():
    u = np.linspace(-30, 30, 241)
    found = expected_improvement(tensor(*u), tensor(1.0), 0.0)
    np.testing.assert_allclose(found, [float(exact(value)[0]) for value in u], rtol=1e-8)


@settings(deadline=None)
@given(mean=st.floats(-3, 3), deviation=st.floats(0.01, 3), best=st.floats(-3, 3))
def test_expected_improvement_equals_the_integral(mean, deviation, best):
    """The integral E[max(f − best, 0)] is computed by the trapezoid rule."""
    grid = np.linspace(-12, 12, 20_001)
    density = np.exp(-0.5 * grid**2) / math.sqrt(2 * math.pi)
    expected = np.trapezoid(np.maximum(mean + deviation * grid - best, 0) * density, grid)
    found = expected_improvement(tensor(mean), tensor(deviation**2), best)
    assert found.item() == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_expected_improvement_is_never_negative():
    u = tensor(*-np.geomspace(1, 1e8, 500), *np.linspace(-45, -30, 5000))
    assert (expected_improvement(u, tensor(1.0), 0.0) >= 0).all()


def test_log_expected_improvement_equals_exact_arithmetic():
    found = log_expected_improvement(tensor(*RANGE), tensor(1.0), 0.0)
    np.testing.assert_allclose(found, [exact_log(value) for value in RANGE], rtol=1e-11, atol=1e-13)


@settings(deadline=None)
@given(
    mean=st.floats(-3, 3),
    log_deviation=st.floats(-5, 2),
    best=st.floats(-3, 3),
)
def test_expected_improvement_and_its_logarithm_scale_with_the_deviation(mean, log_deviation, best):
    """EI(mean, σ², best) = σ EI((mean − best) / σ, 1, 0)."""
    variance = math.exp(2 * log_deviation)
    with mpmath.workdps(70):
        deviation = mpmath.sqrt(variance)
        expected = deviation * exact((mpmath.mpf(mean) - mpmath.mpf(best)) / deviation)[0]
        logarithm = float(mpmath.log(expected))
    belief = tensor(mean), tensor(variance), best
    assert expected_improvement(*belief).item() == pytest.approx(float(expected), rel=1e-8, abs=1e-300)
    assert log_expected_improvement(*belief).item() == pytest.approx(logarithm, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("u", [-1e5, -1e6, -1e8])
def test_log_expected_improvement_far_from_best_is_finite_with_nonzero_gradient(u):
    mean, variance = tensor(u).requires_grad_(True), tensor(1.0).requires_grad_(True)
    value = log_expected_improvement(mean, variance, 0.0)
    value.backward()
    assert value.item() == pytest.approx(-0.5 * u**2, rel=1e-8)
    assert mean.grad.item() == pytest.approx(-u, rel=1e-8)
    assert variance.grad.item() == pytest.approx(0.5 * u**2, rel=1e-8)


def test_gradient_of_expected_improvement_equals_normal_distribution_function():
    u = tensor(*np.linspace(-30, 30, 121)).requires_grad_(True)
    expected_improvement(u, tensor(1.0), 0.0).sum().backward()
    np.testing.assert_allclose(u.grad, [float(exact(value)[1]) for value in u.tolist()], rtol=1e-7)


def test_gradient_of_log_expected_improvement_equals_exact_arithmetic():
    u = tensor(*RANGE).requires_grad_(True)
    log_expected_improvement(u, tensor(1.0), 0.0).sum().backward()
    np.testing.assert_allclose(u.grad, [exact_slope_of_log(value) for value in RANGE], rtol=1e-7)


@pytest.mark.parametrize("function", [expected_improvement, log_expected_improvement])
def test_gradients_equal_finite_differences(function):
    mean = tensor(-6.0, -2.0, -0.9, 0.0, 0.7, 3.0).requires_grad_(True)
    variance = tensor(1.0, 0.5, 1.2, 0.1, 2.0, 0.9).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda *belief: function(*belief, 0.1), [mean, variance], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("function", [expected_improvement, log_expected_improvement])
def test_underflow_in_one_entry_keeps_gradients_of_other_entries(function):
    mean = tensor(-1e8, -300.0, -3.0, 0.5).requires_grad_(True)
    variance = tensor(1.0, 1e-20, 1.0, 1.0).requires_grad_(True)
    function(mean, variance, 0.0).sum().backward()
    assert torch.isfinite(mean.grad).all()
    assert torch.isfinite(variance.grad).all()
    alone = mean.detach()[2:].requires_grad_(True)
    function(alone, variance.detach()[2:], 0.0).sum().backward()
    assert mean.grad[2:].tolist() == alone.grad.tolist()


@settings(deadline=None)
@given(mean=st.floats(-300, 50), more=st.floats(1e-3, 10), variance=st.floats(1e-4, 10))
def test_higher_mean_gives_higher_improvement(mean, more, variance):
    means, variances = tensor(mean, mean + more), tensor(variance, variance)
    lower, higher = log_expected_improvement(means, variances, 0.0)
    assert higher > lower
    lower, higher = expected_improvement(means, variances, 0.0)
    assert higher >= lower


@settings(deadline=None)
@given(u=st.floats(-30, 30), variance=st.floats(0.01, 10))
def test_log_expected_improvement_equals_logarithm_of_expected_improvement(u, variance):
    belief = tensor(u * math.sqrt(variance)), tensor(variance), 0.0
    expected = expected_improvement(*belief).log().item()
    assert log_expected_improvement(*belief).item() == pytest.approx(expected, rel=1e-8, abs=1e-12)
