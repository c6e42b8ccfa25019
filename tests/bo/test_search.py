"""Maximising from many starts: properties of both maximisers, then of evolution and ascent."""

import numpy as np
import pytest
import torch

from instructzero.bo.search import ascend_from_starts, evolve_from_starts

BOX = (-1.0, 1.0)


def bowl(points):
    """Return a bowl with its maximum at 0.3 in every dimension."""
    return -(points - 0.3).square().sum(1)


def flat(points):
    return 0.0 * points.sum(1)


def undefined_on_the_left(points):
    """Return NaN where the first coordinate is below 0."""
    return points[:, 0].sqrt() + bowl(points)


def evolve(acquisition, starts, seed=7, generations=30):
    return evolve_from_starts(
        acquisition, starts, box=BOX, sigma=0.8, population=20, generations=generations, seed=seed
    )


def ascend(acquisition, starts):
    return ascend_from_starts(acquisition, starts, box=BOX, iterations=50)


both = pytest.mark.parametrize("maximise", [evolve, ascend])


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


@both
def test_optimum_is_found_from_every_start(maximise):
    points, values = maximise(bowl, uniform(5, 4))
    assert (points.shape, values.shape) == ((5, 4), (5,))
    np.testing.assert_allclose(points, 0.3, atol=0.05)


@both
def test_returned_values_equal_acquisition_at_points(maximise):
    for acquisition in (bowl, lambda points: points.sin().sum(1)):
        points, values = maximise(acquisition, uniform(5, 4))
        np.testing.assert_allclose(values, acquisition(torch.from_numpy(points)), rtol=1e-14)


@both
def test_result_stays_in_box_when_optimum_is_outside(maximise):
    points, _ = maximise(lambda points: points.sum(1), uniform(3, 4))
    assert (np.abs(points) <= 1).all()
    assert (points > 0.8).all()


@both
def test_starts_outside_the_box_are_clipped(maximise):
    for acquisition in (bowl, flat):
        points, _ = maximise(acquisition, 5 * uniform(4, 3))
        assert (np.abs(points) <= 1).all()


@both
def test_same_call_returns_same_points_and_keeps_global_random_state(maximise):
    numpys, torchs = np.random.get_state()[1].copy(), torch.get_rng_state()
    first, second = maximise(bowl, uniform(2, 3)), maximise(bowl, uniform(2, 3))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(numpys, np.random.get_state()[1])
    assert torch.equal(torchs, torch.get_rng_state())


@both
def test_flat_acquisition_returns_points_in_the_box(maximise):
    points, values = maximise(flat, uniform(2, 3))
    assert (np.abs(points) <= 1).all()
    assert (values == 0).all()


@both
def test_starts_are_not_modified(maximise):
    starts = uniform(3, 4)
    maximise(bowl, starts)
    np.testing.assert_array_equal(starts, uniform(3, 4))


@both
def test_undefined_acquisition_values_are_never_returned(maximise):
    starts = np.abs(uniform(4, 3))
    points, values = maximise(undefined_on_the_left, starts)
    assert np.isfinite(points).all()
    assert not np.isnan(values).any()


@both
def test_single_start_returns_one_point(maximise):
    points, _ = maximise(bowl, uniform(1, 2))
    np.testing.assert_allclose(points, [[0.3, 0.3]], atol=0.05)


def test_evolution_of_one_start_is_independent_of_other_starts():
    starts = uniform(4, 3)
    together, alone = evolve(bowl, starts), evolve(bowl, starts[:1])
    np.testing.assert_array_equal(together[0][0], alone[0][0])
    assert together[1][0] == alone[1][0]


def test_evolution_with_other_seed_returns_other_points():
    assert (evolve(bowl, uniform(2, 3))[0] != evolve(bowl, uniform(2, 3), seed=8)[0]).all()


def test_evolution_calls_acquisition_once_per_generation():
    sizes = []
    evolve(lambda points: sizes.append(len(points)) or bowl(points), np.zeros((3, 2)), generations=4)
    assert sizes == [60, 60, 60, 60]


def test_evolution_evaluates_only_points_in_the_box():
    outermost = []
    evolve(lambda points: outermost.append(points.abs().max().item()) or bowl(points), uniform(3, 2))
    assert max(outermost) <= 1


def test_more_generations_never_return_lower_value():
    starts = uniform(3, 6)
    values = [evolve(bowl, starts, generations=generations)[1] for generations in (1, 2, 5, 20)]
    assert (np.diff(values, axis=0) >= 0).all()


def test_evolution_prefers_defined_values_to_undefined():
    """Every generation has samples where the acquisition is undefined and samples where it is defined."""
    points, values = evolve(undefined_on_the_left, np.zeros((4, 2)), generations=3)
    assert np.isfinite(values).all()
    assert (points[:, 0] >= 0).all()


def test_ascent_never_returns_lower_value_than_start():
    def rugged(points):
        return (40 * points).sin().sum(1) - points.abs().sqrt().sum(1)

    starts = uniform(50, 3)
    _, values = ascend(rugged, starts)
    assert (values >= rugged(torch.from_numpy(starts)).numpy()).all()


def test_ascent_keeps_start_whose_value_decreased():
    def slope_and_narrow_bowl(points):
        return torch.where(points > 0, 100 * points, -1e3 * (points + 0.5).square()).sum(1)

    starts = np.array([[0.1], [-0.499]])
    points, values = ascend_from_starts(slope_and_narrow_bowl, starts, box=BOX, iterations=1)
    assert points[0] > starts[0]
    assert points[1] == starts[1]
    assert values[1] == pytest.approx(-1e-3)


def test_ascent_reaches_stationary_point():
    points, _ = ascend(lambda points: (3 * points).sin().sum(1), uniform(10, 3))
    inside = np.abs(points) < 1
    assert inside.any()
    np.testing.assert_allclose(np.cos(3 * points)[inside], 0, atol=1e-3)


def test_ascent_keeps_start_when_other_values_are_undefined():
    points, values = ascend(
        lambda points: torch.where(points == 0.5, 1 + points, torch.nan).sum(1), np.full((2, 2), 0.5)
    )
    assert (points == 0.5).all()
    assert values.tolist() == [3.0, 3.0]
