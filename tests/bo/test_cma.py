"""CMA-ES in lock-step: its states equal those of the `cmaes` library, which runs one start at a time."""

import cmaes
import numpy as np
import pytest

from instructzero.bo.cma import LockStepCMA

STARTS = 3


def generators(seed=0, starts=STARTS):
    return [np.random.default_rng([seed, start]) for start in range(starts)]


def ellipsoid(samples):
    """Return an ellipsoid with its minimum at 0.3, steeper in every further dimension."""
    return np.square(samples - 0.3) @ np.geomspace(1, 100, samples.shape[-1])


def assert_same_state(strategy, libraries):
    for start, library in enumerate(libraries):
        np.testing.assert_allclose(strategy.mean[start], library._mean, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(strategy.sigma[start], library._sigma, rtol=1e-9)
        scale = np.abs(library._C).max()
        np.testing.assert_allclose(strategy.covariance[start], library._C, rtol=1e-9, atol=1e-10 * scale)


@pytest.mark.parametrize("dimension", [2, 5, 10])
@pytest.mark.parametrize("population", [8, 50])
def test_lock_step_states_equal_library_states(dimension, population):
    first = np.random.default_rng(dimension).uniform(-1, 1, (STARTS, dimension))
    strategy = LockStepCMA(first, sigma=0.8, population=population)
    libraries = [cmaes.CMA(mean=start.copy(), sigma=0.8, population_size=population) for start in first]
    draws = generators()
    for _ in range(10):
        samples = strategy.ask(draws)
        losses = ellipsoid(samples).round(1)  # with ties
        strategy.tell(samples, losses)
        for library, points, values in zip(libraries, samples, losses, strict=True):
            library.tell(list(zip(points, values, strict=True)))
        assert_same_state(strategy, libraries)


def test_lock_step_states_with_clipped_samples_equal_library_states():
    strategy = LockStepCMA(np.full((STARTS, 4), 0.9), sigma=0.8, population=12)
    libraries = [cmaes.CMA(mean=np.full(4, 0.9), sigma=0.8, population_size=12) for _ in range(STARTS)]
    draws = generators()
    for _ in range(10):
        samples = np.clip(strategy.ask(draws), -1, 1)
        losses = -samples.sum(-1)
        strategy.tell(samples, losses)
        for library, points, values in zip(libraries, samples, losses, strict=True):
            library.tell(list(zip(points, values, strict=True)))
        assert_same_state(strategy, libraries)


def test_ellipsoid_optimum_is_found_from_every_start():
    strategy = LockStepCMA(np.random.default_rng(1).uniform(-1, 1, (STARTS, 5)), sigma=0.5, population=12)
    draws = generators()
    for _ in range(150):
        samples = strategy.ask(draws)
        strategy.tell(samples, ellipsoid(samples))
    np.testing.assert_allclose(strategy.mean, 0.3, atol=1e-6)


def test_result_of_one_start_is_independent_of_other_starts():
    first = np.random.default_rng(2).uniform(-1, 1, (STARTS, 4))
    together = LockStepCMA(first, sigma=0.5, population=8)
    alone = LockStepCMA(first[:1], sigma=0.5, population=8)
    many, one = generators(), generators(starts=1)
    for _ in range(20):
        samples, own = together.ask(many), alone.ask(one)
        np.testing.assert_array_equal(samples[0], own[0])
        together.tell(samples, ellipsoid(samples))
        alone.tell(own, ellipsoid(own))
    np.testing.assert_array_equal(together.covariance[0], alone.covariance[0])


def test_samples_have_mean_and_covariance_of_the_distribution():
    strategy = LockStepCMA(np.array([[0.5, -0.5]]), sigma=0.7, population=10)
    samples = strategy.ask(generators(starts=1))
    strategy.tell(samples, ellipsoid(samples))
    drawn = np.concatenate([strategy.ask(generators(seed, 1))[0] for seed in range(4000)])
    covariance = strategy.sigma[0] ** 2 * strategy.covariance[0]
    np.testing.assert_allclose(drawn.mean(0), strategy.mean[0], atol=5 * np.sqrt(covariance.max() / len(drawn)))
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.03 * covariance.max())


def test_monotone_transform_of_losses_keeps_state():
    strategies = [LockStepCMA(np.zeros((STARTS, 3)), sigma=0.5, population=8) for _ in range(2)]
    draws = [generators(), generators()]
    for _ in range(10):
        for strategy, own, losses in zip(strategies, draws, (ellipsoid, lambda x: np.log(ellipsoid(x))), strict=True):
            samples = strategy.ask(own)
            strategy.tell(samples, losses(samples))
    np.testing.assert_array_equal(strategies[0].mean, strategies[1].mean)


def test_starts_are_not_modified():
    first = np.zeros((STARTS, 2))
    strategy = LockStepCMA(first, sigma=0.5, population=8)
    samples = strategy.ask(generators())
    strategy.tell(samples, ellipsoid(samples))
    assert (first == 0).all()
