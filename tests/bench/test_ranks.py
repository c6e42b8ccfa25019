import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2, friedmanchisquare

from instructzero.bench.ranks import Ranking, average_ranks, critical_difference, friedman_p_value
from instructzero.bench.scores import Scores

# Demšar (2006), Table 6: AUC of four variants of C4.5 on 14 data sets. "voting" is identified by its printed ranks.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)

score_tables = arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(1, 6)),
    elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
)


def named(values):
    values = np.asarray(values)
    methods = tuple(f"m{number}" for number in range(values.shape[1]))
    tasks = tuple(f"t{number}" for number in range(values.shape[0]))
    return Scores(methods, tasks, tuple(map(tuple, values.tolist())))


def test_average_ranks_match_demsars_example():
    assert average_ranks(DEMSAR) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)


def test_friedman_p_value_matches_demsar_after_tie_correction():
    ranks = average_ranks(DEMSAR)
    statistic = 12 * 14 / (4 * 5) * ((ranks**2).sum() - 4 * 5**2 / 4)
    assert statistic == pytest.approx(9.28, abs=0.005)  # as printed
    tied = 3 * (2**3 - 2) + (4**3 - 4)  # three pairs, and all four on one data set
    corrected = statistic / (1 - tied / (14 * 4 * (4**2 - 1)))
    assert friedman_p_value(DEMSAR) == pytest.approx(chi2.sf(corrected, df=3))


def test_critical_difference_matches_demsar():
    assert critical_difference(methods=4, tasks=14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(methods=4, tasks=14, alpha=0.10) == pytest.approx(1.12, abs=0.005)


@pytest.mark.parametrize(
    ("methods", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (10, 3.164)]
)
def test_critical_difference_matches_demsars_table_of_critical_values(methods, q):
    found = critical_difference(methods, tasks=1) / math.sqrt(methods * (methods + 1) / 6)
    assert found == pytest.approx(q, abs=0.0015)


def test_groups_of_demsars_example_are_not_separate():
    ranking = Ranking.of(named(DEMSAR))
    assert ranking.methods == ("m3", "m1", "m2", "m0")
    assert ranking.differ
    assert not ranking.distinct("m3", "m0")  # 3.143 - 1.964 < 1.25
    assert ranking.groups() == [("m3", "m1", "m2", "m0")]


def test_groups_separate_methods_a_critical_difference_apart():
    ranking = Ranking.of(named([[0.9, 0.8, 0.1, 0.0]] * 10 + [[0.8, 0.9, 0.0, 0.1]] * 10))
    assert ranking.ranks == (1.5, 1.5, 3.5, 3.5)
    assert ranking.critical_difference == pytest.approx(1.05, abs=0.01)
    assert ranking.groups() == [("m0", "m1"), ("m2", "m3")]
    assert ranking.distinct("m0", "m2")
    assert not ranking.distinct("m0", "m1")


def test_groups_overlap():
    ranking = Ranking(("a", "b", "c"), (1.0, 2.0, 3.0), tasks=20, p_value=0.001, critical_difference=1.5)
    assert ranking.groups() == [("a", "b"), ("b", "c")]


def test_groups_without_friedman_difference_are_one_group():
    ranking = Ranking(("a", "b"), (1.0, 2.0), tasks=2, p_value=0.5, critical_difference=0.1)
    assert ranking.groups() == [("a", "b")]
    assert not ranking.distinct("a", "b")


def test_friedman_p_value_of_two_methods_is_the_sign_test():
    assert friedman_p_value([[0.9, 0.1]] * 6) == pytest.approx(2 / 2**6)
    assert friedman_p_value([[0.9, 0.1]] * 6 + [[0.5, 0.5]]) == pytest.approx(2 / 2**6)


def test_friedman_p_value_of_equal_methods_is_one():
    assert friedman_p_value(np.full((5, 4), 0.3)) == 1
    assert friedman_p_value([[0.1], [0.2]]) == 1


def test_ranking_of_one_method_has_no_groups():
    ranking = Ranking.of(named([[0.4], [0.5]]))
    assert (ranking.ranks, ranking.groups(), ranking.differ) == ((1.0,), [], False)


@pytest.mark.parametrize("scores", [[[0.1, math.nan]], [[]], [0.1, 0.2]])
def test_average_ranks_of_bad_scores_raise_error(scores):
    with pytest.raises(ValueError, match="finite scores of shape"):
        average_ranks(scores)


@pytest.mark.parametrize(("methods", "tasks"), [(1, 5), (3, 0)])
def test_critical_difference_without_methods_or_tasks_raises_error(methods, tasks):
    with pytest.raises(ValueError, match="at least two methods and one task"):
        critical_difference(methods, tasks)


@settings(deadline=None, max_examples=40)
@given(score_tables)
def test_average_ranks_sum_to_the_sum_without_ties(scores):
    methods = scores.shape[1]
    assert average_ranks(scores).sum() == pytest.approx(methods * (methods + 1) / 2)


@settings(deadline=None, max_examples=40)
@given(score_tables, st.randoms(use_true_random=False))
def test_average_ranks_follow_permuted_methods(scores, random):
    order = list(range(scores.shape[1]))
    random.shuffle(order)
    assert average_ranks(scores[:, order]) == pytest.approx(average_ranks(scores)[order])
    assert friedman_p_value(scores[:, order]) == pytest.approx(friedman_p_value(scores))


@settings(deadline=None, max_examples=40)
@given(score_tables, st.randoms(use_true_random=False))
def test_average_ranks_ignore_the_order_of_tasks(scores, random):
    order = list(range(len(scores)))
    random.shuffle(order)
    assert average_ranks(scores[order]) == pytest.approx(average_ranks(scores))
    assert friedman_p_value(scores[order]) == pytest.approx(friedman_p_value(scores))


@settings(deadline=None, max_examples=40)
@given(score_tables)
def test_average_ranks_depend_only_on_the_order_of_scores(scores):
    assert average_ranks(scores**3 + 0.1 * scores) == pytest.approx(average_ranks(scores))


@settings(deadline=None, max_examples=40)
@given(score_tables)
def test_groups_join_exactly_neighbours_that_do_not_differ(scores):
    ranking = Ranking.of(named(scores))
    together = {pair for group in ranking.groups() for pair in pairwise(group)}
    for pair in pairwise(ranking.methods):
        assert (pair in together) != ranking.distinct(*pair)


def test_friedman_p_value_matches_scipy():
    values = np.random.default_rng(0).random((9, 5))
    assert friedman_p_value(values) == pytest.approx(friedmanchisquare(*values.T).pvalue)
