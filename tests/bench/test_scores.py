import pytest

from instructzero.bench.scores import Scores, budgets_of, comparable, in_order, scores_at
from tests.bench.synthetic import cell, cells


def test_seeds_are_averaged_on_each_task():
    found = [cell("a", "x", {10: 0.2}, seed=0), cell("a", "x", {10: 0.6}, seed=1), cell("a", "y", {10: 1.0}, seed=0)]
    scores = scores_at(found, 10)
    assert scores.tasks == ("x", "y")
    assert scores.of("a").tolist() == pytest.approx([0.4, 1.0])
    assert scores.means == pytest.approx({"a": 0.7})


def test_only_tasks_and_seeds_that_every_method_has_are_compared():
    found = [
        cell("a", "x", {10: 0.2}, seed=0),
        cell("a", "x", {10: 0.9}, seed=1),
        cell("a", "y", {10: 0.9}, seed=0),
        cell("b", "x", {10: 0.4}, seed=0),
        cell("b", "y", {20: 0.4}, seed=0),
    ]
    assert [(each.method, each.task, each.seed) for each in comparable(found, 10)] == [("a", "x", 0), ("b", "x", 0)]
    assert scores_at(found, 10).values == ((0.2, 0.4),)


def test_nothing_in_common_cannot_be_compared():
    found = [cell("a", "x", {10: 0.2}), cell("b", "y", {10: 0.4})]
    assert comparable(found, 10) == []
    with pytest.raises(ValueError, match="at least one method on at least one task"):
        scores_at(found, 10)


def test_validation_scores_are_those_of_the_mark():
    assert scores_at([cell("a", "x", {10: 0.25, 20: 0.5})], 20, "validation").values == ((0.5,),)


def test_the_reference_comes_first_and_the_others_by_name():
    assert in_order(["uniform", "ape", "instructzero", "ape"]) == ["instructzero", "ape", "uniform"]


def test_budgets_are_those_of_any_cell():
    assert budgets_of([cell("a", "x", {10: 0.2, 30: 0.2}), cell("a", "y", {20: 0.1})]) == [10, 20, 30]


def test_equal_means_are_equal_whatever_their_rounding():
    scores = Scores(("a", "b"), ("x",), (((0.1 + 0.2) / 2, 0.15),))
    assert scores.array[0, 0] == scores.array[0, 1]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="a row of 2 scores for each of 1 tasks"):
        Scores(("a", "b"), ("x",), ((0.5,),))


def test_cells_of_a_table_are_all_comparable():
    found = cells({"a": [0.1, 0.2], "b": [0.3, 0.4]}, seeds=2)
    assert comparable(found, 100) == found
