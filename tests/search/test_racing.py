"""Racing: its error by enumeration and simulation, its tails against SciPy and published bounds, its savings."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from instructzero.search.racing import Race, bounded_tail, sixths


def calls(race, scores, target):
    """Return the number of examples before a candidate drops out, or all of them."""
    return next((look for look in race.looks if not race.may_still_win(scores[:look], target)), race.examples)


def is_dropped(race, scores, target):
    return any(not race.may_still_win(scores[:look], target) for look in race.looks)


def binary_orders(examples, right):
    """Yield every order of ``right`` ones among zeros; all are equally likely."""
    for places in combinations(range(examples), right):
        yield [float(index in places) for index in range(examples)]


# The error


@pytest.mark.parametrize(("alpha", "target"), list(product([0.1, 0.3, 0.6], [3 / 8, 0.5, 0.7])))
def test_binary_candidate_at_target_drops_out_with_probability_below_alpha(alpha, target):
    race = Race(8, (2, 4, 6, 8), alpha)
    for right in range(math.ceil(target * 8 - 1e-9), 9):
        dropped = [is_dropped(race, scores, target) for scores in binary_orders(8, right)]
        assert np.mean(dropped) <= alpha


@pytest.mark.parametrize("alpha", [0.2, 0.5])
def test_any_candidate_at_target_drops_out_with_probability_below_alpha(alpha):
    race, seen = Race(6, (2, 3, 4, 6), alpha), 0.0
    rng = np.random.default_rng(0)
    for _ in range(12):
        scores = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0], 6)
        dropped = np.mean([is_dropped(race, order, scores.mean()) for order in permutations(scores.tolist())])
        assert dropped <= alpha
        seen = max(seen, dropped)
    assert seen > 0.01  # the test does reject, so the bound is really tested


@pytest.mark.parametrize(("examples", "right"), [(20, 10), (20, 18), (50, 25), (50, 45)])
def test_error_of_longer_race_stays_below_alpha(examples, right):
    race = Race(examples, tuple(examples * part // 4 for part in range(1, 5)), 0.2)
    scores = np.array([1.0] * right + [0.0] * (examples - right))
    rng = np.random.default_rng(0)
    dropped = np.mean([is_dropped(race, rng.permutation(scores).tolist(), right / examples) for _ in range(2_000)])
    assert 0.02 < dropped <= 0.2


def test_error_of_longer_race_with_fractional_scores_stays_below_alpha():
    rng = np.random.default_rng(1)
    race, scores = Race(50, sixths(50), 0.2), rng.beta(0.3, 0.3, 50)
    dropped = np.mean([is_dropped(race, rng.permutation(scores).tolist(), scores.mean()) for _ in range(2_000)])
    assert 0.01 < dropped <= 0.2


# The tails


@given(st.data())
def test_bound_lies_between_exact_tail_and_published_inequalities(data):
    examples = data.draw(st.integers(2, 60))
    total, drawn = data.draw(st.integers(1, examples)), data.draw(st.integers(1, examples - 1))
    reached = data.draw(st.floats(0, drawn))
    bound = bounded_tail(examples, total, drawn, reached)
    assert bound >= stats.hypergeom(examples, total, drawn).cdf(math.floor(reached)) - 1e-9
    below = max(0.0, total / examples - reached / drawn)
    serfling = 1 - (drawn - 1) / examples
    bardenet_maillard = (1 - drawn / examples) * (1 + 1 / drawn)  # their theorem 2.4, from the second half on
    for rest in [serfling, bardenet_maillard] if 2 * drawn > examples else [serfling]:
        assert bound <= math.exp(-2 * drawn * below**2 / rest) + 1e-9


@given(st.lists(st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.9, 1.0]), min_size=2, max_size=9), st.data())
def test_bound_holds_for_every_population(scores, data):
    if not sum(scores):
        return
    drawn = data.draw(st.integers(1, len(scores) - 1))
    sums = np.array([sum(chosen) for chosen in combinations(scores, drawn)])
    reached = data.draw(st.sampled_from(sorted(set(sums.tolist()))))
    probability = np.mean(sums <= reached + 1e-12)
    assert bounded_tail(len(scores), math.fsum(scores), drawn, reached) >= probability - 1e-9


@given(st.floats(0.1, 19), st.floats(0, 1), st.floats(0, 9))
def test_bound_decreases_as_target_grows(total, more, reached):
    assert bounded_tail(20, total + more, 10, reached) <= bounded_tail(20, total, 10, reached) + 1e-9


# Certain decisions


def test_candidate_that_cannot_reach_target_drops_out_at_once():
    race = Race(20, sixths(20), 0.05)
    assert race.may_still_win([0, 0], 0.9)
    assert not race.may_still_win([0, 0, 0], 0.9)  # 17 of 20 at best, 18 needed


def test_candidate_that_has_reached_target_stays_in():
    assert Race(4, (2, 3, 4), 0.9).may_still_win([1, 1, 0], 0.5)


@pytest.mark.parametrize("examples", [3, 7, 20, 30])
def test_complete_scores_decide_in_spite_of_rounding(examples):
    race = Race(examples, sixths(examples), 0.05)
    scores = [0.1, 0.7, 0.3] * examples
    mean = sum(scores[:examples]) / examples
    assert race.may_still_win(scores[:examples], mean)
    assert not race.may_still_win(scores[:examples], mean + 1e-6)


@pytest.mark.parametrize("scores", [[], [0.0], [0.0] * 4])
def test_target_of_zero_keeps_all_candidates(scores):
    assert Race(4, (1, 2, 4), 0.5).may_still_win(scores, 0.0)


def test_candidate_that_can_tie_stays_in():
    scores = [1.0] * 17 + [0.0] * 3
    assert Race(20, (20,), 0.05).may_still_win(scores, 0.85)
    assert not Race(20, (20,), 0.05).may_still_win(scores, 0.9)


def test_test_is_made_at_looks_only():
    poor = [0.0] * 10 + [1.0]
    assert not Race(50, (10, 50), 0.05).may_still_win(poor[:10], 0.6)
    assert Race(50, (12, 50), 0.05).may_still_win(poor[:10], 0.6)
    assert Race(50, (10, 50), 0.05).may_still_win(poor[:11], 0.6)


def test_bound_decides_like_exact_probability_for_20_examples():
    race = Race(20, sixths(20), 0.1)
    for right, drawn in product(range(21), race.looks[:-1]):
        for reached in range(max(0, right - 20 + drawn), drawn + 1):
            likely = stats.hypergeom(20, right, drawn).cdf(reached) > 0.1 / 5
            assert race.may_still_win([1] * reached + [0] * (drawn - reached), right / 20) == likely


def test_looks_share_alpha():
    """P(none right of 3 | 6 of 12 right) = 1 / 11."""
    assert not Race(12, (3, 12), 0.1).may_still_win([0, 0, 0], 0.5)
    assert Race(12, (3, 6, 12), 0.1).may_still_win([0, 0, 0], 0.5)


# Saved calls


def share_of_calls(race, quality, target):
    rng = np.random.default_rng(0)
    candidates = (rng.random((300, race.examples)) < quality).astype(float).tolist()
    return np.mean([calls(race, scores, target) for scores in candidates]) / race.examples


@pytest.mark.parametrize("examples", [20, 50])
def test_worse_candidates_take_fewer_calls(examples):
    race = Race(examples, sixths(examples), 0.05)
    shares = [share_of_calls(race, quality, 0.9) for quality in (0.2, 0.5, 0.7, 0.8, 0.98)]
    assert shares == sorted(shares)
    assert shares[0] < 0.3
    assert shares[1] < 0.45
    assert shares[3] < 0.85
    assert shares[-1] > 0.98


def test_test_saves_calls_beyond_certainty():
    certain, tested = Race(50, sixths(50), 1e-9), Race(50, sixths(50), 0.05)
    assert share_of_calls(tested, 0.3, 0.6) < 0.6 * share_of_calls(certain, 0.3, 0.6)


def test_fractional_scores_save_calls():
    race = Race(50, sixths(50), 0.05)
    rng = np.random.default_rng(0)
    asked = [calls(race, rng.uniform(0, 0.8, 50).tolist(), 0.7) for _ in range(100)]
    assert np.mean(asked) < 30


# Settings


@given(st.integers(1, 200))
def test_sixths_are_valid_looks(examples):
    looks = sixths(examples)
    assert Race(examples, looks, 0.05).looks == looks
    assert len(looks) == min(6, examples)


@pytest.mark.parametrize("looks", [(), (5,), (0, 10), (5, 5, 10), (6, 5, 10), (5, 11)])
def test_looks_that_do_not_grow_to_all_examples_are_refused(looks):
    with pytest.raises(ValueError, match="looks that grow"):
        Race(10, looks, 0.05)


@pytest.mark.parametrize("changes", [{"alpha": 0.0}, {"alpha": 1.0}, {"alpha": math.nan}])
def test_impossible_race_settings_are_refused(changes):
    with pytest.raises(ValueError, match="expected"):
        Race(**{"examples": 10, "looks": (5, 10), "alpha": 0.05} | changes)


@pytest.mark.parametrize(("scores", "target"), [([1.5], 0.5), ([math.nan], 0.5), ([1.0], 18.0), ([1.0] * 11, 0.5)])
def test_impossible_scores_are_refused(scores, target):
    with pytest.raises(ValueError, match="expected"):
        Race(10, (5, 10), 0.05).may_still_win(scores, target)
