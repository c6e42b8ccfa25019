"""Properties of choosing a batch among written candidates."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.batch import choose_best, choose_fantasised, choose_thompson


def random_posterior(seed, size, rank):
    """Return a random mean and a covariance of the given rank."""
    generator = np.random.default_rng(seed)
    factor = torch.from_numpy(generator.normal(size=(size, rank)))
    return torch.from_numpy(generator.normal(size=size)), factor @ factor.T


def thompson(mean, covariance, best, count, seed=0):
    return choose_thompson(mean, covariance, count, torch.Generator().manual_seed(seed))


def fantasised(mean, covariance, best, count):
    return choose_fantasised(mean, covariance, best, count, noise=0.01)


all_choosers = pytest.mark.parametrize("choose", [choose_best, fantasised, thompson])


@all_choosers
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 12),
    rank=st.integers(0, 12),
    best=st.floats(-1e3, 1e3),
    count=st.integers(0, 15),
)
def test_choose_returns_distinct_positions_up_to_count(choose, seed, size, rank, best, count):
    """The covariance may be singular, or all zeros."""
    mean, covariance = random_posterior(seed, size, rank)
    chosen = choose(mean, covariance, best, count)
    assert len(chosen) == len(set(chosen)) == min(count, size)
    assert set(chosen) <= set(range(size))
    assert all(type(position) is int for position in chosen)


@all_choosers
def test_choose_does_not_modify_arguments(choose):
    mean, covariance = random_posterior(0, 6, 3)
    before = mean.clone(), covariance.clone()
    choose(mean, covariance, 0.0, 4)
    assert torch.equal(mean, before[0])
    assert torch.equal(covariance, before[1])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 12))
def test_fantasised_first_choice_equals_best_candidate(seed, size):
    mean, covariance = random_posterior(seed, size, size)
    assert fantasised(mean, covariance, 0.0, 3)[0] == choose_best(mean, covariance, 0.0, 3)[0]


def duplicates_and_another():
    """Return four candidates: 0 and 1 are nearly identical, 2 is independent and nearly as good, 3 is far worse."""
    mean = torch.tensor([1.0, 0.999, 0.95, -5.0], dtype=torch.float64)
    covariance = torch.eye(4, dtype=torch.float64)
    covariance[0, 1] = covariance[1, 0] = 0.9999
    return mean, covariance


def test_best_chooses_both_duplicates():
    assert choose_best(*duplicates_and_another(), 0.5, 2) == [0, 1]


def test_fantasised_chooses_one_duplicate_and_the_independent_candidate():
    assert fantasised(*duplicates_and_another(), 0.5, 2) == [0, 2]
    assert sorted(fantasised(*duplicates_and_another(), 0.5, 4)) == [0, 1, 2, 3]


def test_fantasised_with_large_noise_ignores_chosen_outcomes():
    assert choose_fantasised(*duplicates_and_another(), 1.0, 2, noise=1e9) == [0, 1]


def test_fantasised_second_choice_uses_conditional_covariance():
    """The expected second choice follows from the textbook conditional distribution given the first."""
    mean, covariance = random_posterior(3, 8, 8)
    first, second = fantasised(mean, covariance, 0.0, 2)
    gain = covariance[:, first] / (covariance[first, first] + 0.01)
    conditional = covariance - torch.outer(gain, covariance[first])
    order = choose_best(mean, conditional, max(0.0, mean[first].item()), 8)
    assert second == next(position for position in order if position != first)


def test_best_orders_by_expected_improvement_not_by_mean():
    mean = torch.tensor([0.0, -0.1, -3.0], dtype=torch.float64)
    covariance = torch.diag(torch.tensor([0.01, 1.0, 0.01], dtype=torch.float64))
    assert choose_best(mean, covariance, 0.5, 3) == [1, 0, 2]


def test_ties_are_resolved_by_position():
    mean, covariance = torch.zeros(5, dtype=torch.float64), torch.eye(5, dtype=torch.float64)
    assert choose_best(mean, covariance, 0.0, 3) == [0, 1, 2]
    assert fantasised(mean, covariance, 0.0, 3) == [0, 1, 2]


def test_thompson_with_same_generator_state_repeats_choices():
    mean, covariance = random_posterior(1, 10, 10)
    state = torch.get_rng_state()
    chosen = [thompson(mean, covariance, 0.0, 5, seed) for seed in range(20)]
    assert chosen == [thompson(mean, covariance, 0.0, 5, seed) for seed in range(20)]
    assert len(set(map(tuple, chosen))) > 1
    assert torch.equal(state, torch.get_rng_state())


def test_thompson_without_variance_orders_by_mean():
    mean = torch.tensor([0.1, 0.9, 0.5], dtype=torch.float64)
    assert thompson(mean, torch.zeros(3, 3, dtype=torch.float64), 0.0, 3) == [1, 2, 0]


def test_thompson_choice_frequency_equals_probability_of_being_best():
    """With means 0 and 2 and independent variances of 4, the second candidate is the best with Φ(1 / √2) = 0.76."""
    mean, covariance = torch.tensor([0.0, 2.0], dtype=torch.float64), 4 * torch.eye(2, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    second = sum(choose_thompson(mean, covariance, 1, generator) == [1] for _ in range(3000))
    assert second / 3000 == pytest.approx(0.7602, abs=0.03)


def test_thompson_with_perfect_correlation_always_chooses_higher_mean():
    """Both candidates get the same sample, so that the higher mean always wins."""
    mean, covariance = torch.tensor([0.0, 1e-3], dtype=torch.float64), torch.ones(2, 2, dtype=torch.float64)
    assert all(thompson(mean, covariance, 0.0, 1, seed) == [1] for seed in range(50))
