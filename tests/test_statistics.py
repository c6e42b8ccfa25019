"""Intervals and paired tests: against SciPy, by their properties, and by their coverage over many samples."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from instructzero.statistics import (
    EXACT_PAIRS,
    Interval,
    PairedTest,
    holm,
    interval_method,
    mean_interval,
    paired_test,
)

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
BINARY = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=60)
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)
FEW = settings(max_examples=30, deadline=None)


def apart(pairs):
    return [first for first, _ in pairs], [second for _, second in pairs]


# Intervals of a mean


@given(BINARY, st.floats(0.5, 0.99))
def test_mean_interval_of_binary_scores_is_wilsons(scores, level):
    right, n = int(sum(scores)), len(scores)
    expected = stats.binomtest(right, n).proportion_ci(level, method="wilson")
    interval = mean_interval(scores, level=level)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert interval_method(scores) == "Wilson"


def test_wilson_interval_matches_hand_calculation():
    """8 of 10 right, z = 1.96: (0.8 + 0.19208 ± 1.96 √(0.016 + 0.009604)) / 1.38416."""
    interval = mean_interval([1] * 8 + [0] * 2)
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@FEW
@given(SCORES)
def test_mean_interval_lies_in_unit_range_and_contains_mean(scores):
    interval = mean_interval(scores)
    assert 0 <= interval.low <= np.mean(scores) + 1e-12
    assert np.mean(scores) - 1e-12 <= interval.high <= 1


@FEW
@given(SCORES, st.randoms(use_true_random=False))
def test_mean_interval_ignores_order_of_examples(scores, random):
    shuffled = random.sample(scores, len(scores))
    assert mean_interval(scores) == mean_interval(shuffled)


@FEW
@given(SCORES)
def test_higher_level_gives_wider_interval(scores):
    narrow, wide = mean_interval(scores, level=0.8), mean_interval(scores, level=0.99)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("scores", [[0.5], [0.5] * 20, [0.0] * 20, [1.0], [0.97] * 100])
def test_equal_scores_give_interval_with_width(scores):
    interval = mean_interval(scores)
    assert interval.high - interval.low > 1 / (len(scores) + 2)


def test_fractional_score_selects_bootstrap():
    assert interval_method([1, 0, 0.5]) == "bootstrap"
    assert interval_method([1, 0, True]) == "Wilson"


def test_bootstrap_of_many_scores_matches_normal_interval():
    scores = np.random.default_rng(3).beta(2, 1, 400)
    interval = mean_interval(scores.tolist())
    half = 1.96 * scores.std() / math.sqrt(400)
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.004)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.004)


def near_one(rng):
    """F1 scores of a good instruction: mostly 1, some between 0 and 1, mean 0.9."""
    return np.where(rng.random(20) < 0.8, 1.0, rng.random(20))


def wide(rng):
    return rng.random(20)


@pytest.mark.parametrize(("draw", "mean"), [(near_one, 0.9), (wide, 0.5)])
def test_mean_interval_has_nominal_coverage(draw, mean):
    rng = np.random.default_rng(0)
    intervals = [mean_interval(draw(rng).tolist(), level=0.9) for _ in range(400)]
    covered = np.mean([interval.low <= mean <= interval.high for interval in intervals])
    assert 0.87 <= covered <= 0.97  # standard deviation of the share: 0.015


# The paired test


@given(st.lists(st.sampled_from([(1, 1), (1, 0), (0, 1), (0, 0)]), min_size=1, max_size=80))
@FEW
def test_binary_pairs_give_mcnemars_exact_p_value(pairs):
    first, second = apart(pairs)
    won, lost = pairs.count((1, 0)), pairs.count((0, 1))
    expected = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
    result = paired_test(first, second)
    assert result.p_value == pytest.approx(expected)
    assert result.difference == pytest.approx((won - lost) / len(pairs))


@pytest.mark.parametrize("seed", range(3))
def test_few_pairs_give_exact_sign_flip_p_value(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.random(9).round(1), rng.random(9).round(1)
    expected = stats.permutation_test(
        (first, second), lambda one, other: np.mean(one - other), permutation_type="samples", n_resamples=np.inf
    )
    assert paired_test(first.tolist(), second.tolist()).p_value == pytest.approx(expected.pvalue)


def test_many_pairs_give_p_value_close_to_exact_one():
    """Differences are multiples of a tenth, so a convolution gives the exact distribution of all 2⁴⁰ signed sums."""
    rng = np.random.default_rng(5)
    tenths = rng.choice([1, 2], 40) * rng.choice([1, 1, -1], 40)
    ways = np.ones(1)
    for size in np.abs(tenths):
        ways = np.convolve(ways, [1, *[0] * (2 * size - 1), 1])
    sums = np.arange(len(ways)) - np.abs(tenths).sum()
    exact = ways[np.abs(sums) >= abs(tenths.sum())].sum() / ways.sum()
    first, second = 0.5 + tenths / 20, 0.5 - tenths / 20
    assert len(tenths) > EXACT_PAIRS
    assert 0.001 < exact < 0.2
    assert paired_test(first.tolist(), second.tolist()).p_value == pytest.approx(exact, rel=0.1)


def test_random_flips_never_give_p_value_of_zero():
    first = np.linspace(0.6, 1.0, 50).tolist()
    assert 0 < paired_test(first, [0.0] * 50).p_value < 0.001


@FEW
@given(PAIRS)
def test_paired_test_with_exchanged_arguments_is_mirrored(pairs):
    first, second = apart(pairs)
    there, back = paired_test(first, second), paired_test(second, first)
    assert (there.difference, there.p_value) == (-back.difference, back.p_value)
    if there.difference:
        assert (there.low, there.high) == (-back.high, -back.low)
    else:
        assert there.low == pytest.approx(-back.high, abs=0.05)  # other random numbers


@FEW
@given(PAIRS)
def test_paired_interval_contains_difference_and_is_reproducible(pairs):
    first, second = apart(pairs)
    result = paired_test(first, second)
    assert -1 <= result.low <= result.difference <= result.high <= 1
    assert 0 < result.p_value <= 1
    assert result == paired_test(first, second)
    assert result.difference == pytest.approx(np.mean(first) - np.mean(second), abs=1e-9)


@FEW
@given(SCORES)
def test_equal_pairs_give_zero_difference_and_p_value_one(scores):
    result = paired_test(scores, scores)
    assert (result.difference, result.p_value) == (0, 1)
    assert result.low < 0 < result.high


def test_clear_winner_has_interval_above_zero_and_small_p_value():
    result = paired_test([1] * 18 + [0] * 2, [1] * 8 + [0] * 12)
    assert result.difference == 0.5
    assert result.low > 0.2
    assert result.p_value == 2 / 2**10


def test_rounding_errors_do_not_separate_equal_differences():
    """0.3 - 0.1 and 0.9 - 0.7 are both 0.2, and McNemar's test applies."""
    assert paired_test([0.3, 0.9] * 20, [0.1, 0.7] * 20).p_value == 2 / 2**40


@cache
def results_of_twenty_binary_pairs():
    """Return the results by the numbers of pairs won and lost."""
    counts = [(won, lost) for won in range(21) for lost in range(21 - won)]
    return {
        (won, lost): paired_test(*apart([(1, 0)] * won + [(0, 1)] * lost + [(1, 1)] * (20 - won - lost)))
        for won, lost in counts
    }


@pytest.mark.parametrize(("won", "lost"), [(0.02, 0.02), (0.05, 0.0), (0.1, 0.02), (0.3, 0.15), (0.5, 0.1), (0.4, 0.4)])
def test_paired_interval_has_nominal_coverage(won, lost):
    """The coverage is exact: the total probability of the outcomes whose interval contains the true difference."""
    covered = sum(
        stats.multinomial(20, [won, lost, 1 - won - lost]).pmf([*counts, 20 - sum(counts)])
        for counts, result in results_of_twenty_binary_pairs().items()
        if result.low <= won - lost <= result.high
    )
    assert covered >= 0.95


def test_interval_and_p_value_disagree_only_near_significance_level():
    for result in results_of_twenty_binary_pairs().values():
        if not 0.04 < result.p_value < 0.06:
            assert (result.low <= 0 <= result.high) == (result.p_value > 0.05)


def test_p_values_of_equal_instructions_are_uniform():
    rng = np.random.default_rng(2)
    p_values = [paired_test(rng.random(12).tolist(), rng.random(12).tolist()).p_value for _ in range(500)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(level, abs=3 * math.sqrt(level / 500))


# Invalid input


@pytest.mark.parametrize("scores", [[], [0.5, 1.1], [-0.1], [math.nan], [[0.5]]])
def test_invalid_scores_are_refused(scores):
    with pytest.raises(ValueError, match="expected"):
        mean_interval(scores)


@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_invalid_level_is_refused(level):
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        mean_interval([1.0], level=level)
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        paired_test([1.0], [0.0], level=level)


def test_unequal_numbers_of_scores_are_refused():
    with pytest.raises(ValueError, match="got 2 and 1 scores"):
        paired_test([1, 0], [1])


def test_inconsistent_results_are_refused():
    with pytest.raises(ValueError, match="low end"):
        Interval(0.5, 0.4)
    with pytest.raises(ValueError, match="p-value"):
        PairedTest(0.1, 0.0, 0.2, 1.5)


def test_holm_matches_published_example():
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_p_values_and_keeps_order(p_values):
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    assert [adjusted[place] for place in np.argsort(p_values, kind="stable")] == sorted(adjusted)
