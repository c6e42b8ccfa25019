import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bench.comparisons import (
    anytime,
    best_after,
    bootstrap_interval,
    calls_to_reach,
    compare,
    compare_all,
    reaches,
)
from instructzero.bench.scores import Scores
from tests.bench.synthetic import cell


def scores_of(**columns):
    rows = tuple(zip(*columns.values(), strict=True))
    return Scores(tuple(columns), tuple(f"t{number}" for number in range(len(rows))), rows)


def test_compare_counts_wins_ties_and_losses_by_task():
    pair = compare(scores_of(a=[0.9, 0.5, 0.1, 0.3], b=[0.1, 0.5, 0.2, 0.2]), "a", "b")
    assert (pair.wins, pair.ties, pair.losses) == (2, 1, 1)
    assert pair.difference == pytest.approx(0.2)
    assert pair.low <= pair.difference <= pair.high


def test_compare_ignores_rounding_errors_in_ties():
    pair = compare(scores_of(a=[(0.1 + 0.2) / 2], b=[0.15]), "a", "b")
    assert (pair.wins, pair.ties, pair.losses) == (0, 1, 0)


def test_compare_constant_difference_has_zero_width_interval_and_sign_test_p_value():
    pair = compare(scores_of(a=[0.5] * 8, b=[0.4] * 8), "a", "b")
    assert (pair.low, pair.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert pair.p_value == pytest.approx(2 / 2**8)
    assert pair.shown


def test_compare_with_fewer_than_six_tasks_is_not_significant():
    assert not compare(scores_of(a=[0.9] * 5, b=[0.1] * 5), "a", "b").shown
    assert compare(scores_of(a=[0.9] * 6, b=[0.1] * 6), "a", "b").shown


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_compare_with_swapped_methods_is_mirrored(pairs):
    first, second = (list(values) for values in zip(*pairs, strict=True))
    scores = scores_of(a=first, b=second)
    one, other = compare(scores, "a", "b"), compare(scores, "b", "a")
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.difference == pytest.approx(-other.difference)
    assert one.p_value == pytest.approx(other.p_value)
    assert (one.low, one.high) == (pytest.approx(-other.high, abs=1e-9), pytest.approx(-other.low, abs=1e-9))


def test_bootstrap_interval_of_many_tasks_is_close_to_the_normal_interval():
    values = np.random.default_rng(1).normal(0.1, 0.2, 400)
    half = 1.96 * values.std() / 20
    assert bootstrap_interval(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.002)


def test_compare_all_adjusts_p_values_for_their_number():
    columns = {"a": [0.5] * 8, "b": [0.4] * 8, "c": [0.3] * 8}
    alone = compare(scores_of(**columns), "a", "b").p_value
    assert [pair.p_value for pair in compare_all(scores_of(**columns), "a")] == pytest.approx([2 * alone, 2 * alone])
    assert [pair.second for pair in compare_all(scores_of(**columns), "b")] == ["a", "c"]


def test_best_after_before_first_trial_is_the_plain_score():
    found = cell("a", "x", {100: 0.8}, curve=[(20, 0.5), (60, 0.8)], plain=0.3)
    assert best_after([found], [0, 19, 20, 59, 60, 1000]).tolist() == [[0.3, 0.3, 0.5, 0.5, 0.8, 0.8]]


def test_best_after_without_complete_trial_stays_at_the_plain_score():
    found = cell("a", "x", {100: 0.3}, plain=0.3)
    assert best_after([type(found)(**{**_fields(found), "curve": ()})], [50]).tolist() == [[0.3]]


def _fields(found):
    return {name: getattr(found, name) for name in type(found).__slots__}


def test_anytime_weighs_tasks_equally_for_any_number_of_seeds():
    found = [
        cell("a", "x", {100: 1.0}, seed=0, curve=[(10, 1.0)]),
        cell("a", "x", {100: 1.0}, seed=1, curve=[(10, 1.0)]),
        cell("a", "y", {100: 0.0}, seed=0, curve=[(10, 0.0)]),
    ]
    assert anytime(found, [10]).mean() == pytest.approx(0.5)


def test_calls_to_reach_returns_the_first_calls_that_reach_the_mean():
    found = [
        cell("a", "x", {100: 0.9}, curve=[(20, 0.4), (50, 0.9)], plain=0.2),
        cell("a", "y", {100: 0.7}, curve=[(30, 0.5), (70, 0.7)], plain=0.2),
    ]
    # The means are 0.2, from 20 on 0.3, from 30 on 0.45, from 50 on 0.7, from 70 on 0.8.
    assert [calls_to_reach(found, score, 100) for score in (0.2, 0.3, 0.45, 0.6, 0.8, 0.81)] == [
        0,
        20,
        30,
        50,
        70,
        None,
    ]
    assert calls_to_reach(found, 0.8, budget=69) is None


def test_reaches_compares_every_method_with_its_best_rival():
    found = [
        cell("fast", "x", {100: 0.9}, curve=[(10, 0.6), (40, 0.9)]),
        cell("slow", "x", {100: 0.6}, curve=[(20, 0.5), (80, 0.6)]),
        cell("poor", "x", {100: 0.2}, curve=[(90, 0.2)]),
    ]
    by_method = {reach.method: reach for reach in reaches(found, 100)}
    assert (by_method["fast"].rival, by_method["fast"].rival_calls, by_method["fast"].calls) == ("slow", 80, 10)
    assert (by_method["slow"].rival, by_method["slow"].rival_calls, by_method["slow"].calls) == ("fast", 40, None)
    assert by_method["poor"].rival == "fast"


def test_reaches_of_a_single_method_is_empty():
    assert reaches([cell("a", "x", {100: 0.9})], 100) == []
