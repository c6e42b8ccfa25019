import pytest

from instructzero.bench.scores import Scores, budgets_of, comparable, in_order, scores_at
from tests.bench.synthetic import cell, cells


def test_scores_at_averages_seeds_on_each_task():
    found = [cell("a", "x", {10: 0.2}, seed=0), cell("a", "x", {10: 0.6}, seed=1), cell("a", "y", {10: 1.0}, seed=0)]
    scores = scores_at(found, 10)
    assert scores.tasks == ("x", "y")
    assert scores.of("a").tolist() == pytest.approx([0.4, 1.0])
    assert scores.means == pytest.approx({"a": 0.7})


def test_comparable_keeps_tasks_and_seeds_that_every_method_has():
    found = [
        cell("a", "x", {10: 0.2}, seed=0),
        cell("a", "x", {10: 0.9}, seed=1),
        cell("a", "y", {10: 0.9}, seed=0),
        cell("b", "x", {10: 0.4}, seed=0),
        cell("b", "y", {20: 0.4}, seed=0),
    ]
    assert [(kept.method, kept.task, kept.seed) for kept in comparable(found, 10)] == [("a", "x", 0), ("b", "x", 0)]
    assert scores_at(found, 10).values == ((0.2, 0.4),)


def test_scores_at_without_common_task_raises_error():
    found = [cell("a", "x", {10: 0.2}), cell("b", "y", {10: 0.4})]
    assert comparable(found, 10) == []
    with pytest.raises(ValueError, match="at least one method on at least one task"):
        scores_at(found, 10)


def test_scores_at_validation_uses_the_mark():
    assert scores_at([cell("a", "x", {10: 0.25, 20: 0.5})], 20, "validation").values == ((0.5,),)


def test_in_order_puts_reference_first_and_sorts_the_others():
    assert in_order(["uniform", "ape", "instructzero", "ape"]) == ["instructzero", "ape", "uniform"]


def test_budgets_of_returns_budgets_of_all_cells():
    assert budgets_of([cell("a", "x", {10: 0.2, 30: 0.2}), cell("a", "y", {20: 0.1})]) == [10, 20, 30]


def test_scores_array_ignores_rounding_errors():
    scores = Scores(("a", "b"), ("x",), (((0.1 + 0.2) / 2, 0.15),))
    assert scores.array[0, 0] == scores.array[0, 1]


def test_scores_with_row_of_wrong_length_raise_error():
    with pytest.raises(ValueError, match="a row of 2 scores for each of 1 tasks"):
        Scores(("a", "b"), ("x",), ((0.5,),))


def test_comparable_keeps_all_cells_of_a_full_table():
    found = cells({"a": [0.1, 0.2], "b": [0.3, 0.4]}, seeds=2)
    assert comparable(found, 100) == found
