"""CMA-ES in lock-step."""

import numpy as np

from instructzero.bo.search import maximise_from_starts


def bowl(points):
    """Highest at 0.3 in every dimension."""
    return -np.square(points - 0.3).sum(axis=1)


def search(starts, acquisition=bowl, seed=7, generations=30):
    return maximise_from_starts(
        acquisition, starts, box=(-1, 1), sigma=0.8, population=20, generations=generations, seed=seed
    )


def test_finds_the_optimum_from_every_start():
    starts = np.random.default_rng(0).uniform(-1, 1, (5, 4))
    points, values = search(starts)
    np.testing.assert_allclose(points, 0.3, atol=0.05)
    np.testing.assert_allclose(values, bowl(points))


def test_stays_in_the_box_when_the_optimum_is_outside():
    points, _ = search(np.zeros((3, 4)), lambda points: points.sum(axis=1))
    assert (points <= 1).all()
    assert (points > 0.8).all()


def test_same_seed_same_points_and_global_generator_untouched():
    state = np.random.get_state()[1].copy()
    first, second = search(np.zeros((2, 3))), search(np.zeros((2, 3)))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def test_a_start_does_not_depend_on_the_others():
    starts = np.random.default_rng(1).uniform(-1, 1, (4, 3))
    together, alone = search(starts)[0], search(starts[:1])[0]
    np.testing.assert_array_equal(together[0], alone[0])


def test_one_acquisition_call_a_generation():
    sizes = []
    search(np.zeros((3, 2)), lambda points: sizes.append(len(points)) or bowl(points), generations=4)
    assert sizes == [60, 60, 60, 60]


def test_flat_acquisition_gives_points_in_the_box():
    points, values = search(np.zeros((2, 3)), lambda points: np.zeros(len(points)))
    assert (np.abs(points) <= 1).all()
    assert (values == 0).all()
