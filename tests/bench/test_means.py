import math

import pytest

from instructzero.bench.means import Mean, means_at, over_tasks, rows
from instructzero.bench.tables import task_table
from tests.bench.synthetic import cell


@pytest.fixture
def found():
    """One method on two tasks with two seeds each."""
    scores = {("x", 0): 0.4, ("x", 1): 0.6, ("y", 0): 0.5, ("y", 1): 0.9}
    return [cell("a", task, {100: score}, seed=seed) for (task, seed), score in scores.items()]


def test_mean_has_the_standard_error_over_the_seeds():
    mean = Mean.of([0.4, 0.6])
    assert (mean.mean, mean.seeds) == (0.5, 2)
    assert mean.error == pytest.approx(math.sqrt(0.02) / math.sqrt(2))
    assert str(mean) == "0.500 ± 0.100"


def test_mean_of_one_seed_has_no_error():
    assert str(Mean.of([0.5])) == "0.500"


def test_error_over_tasks_takes_the_tasks_as_fixed(found):
    overall = over_tasks(means_at(found, 100), "a")
    assert overall.mean == pytest.approx(0.6)
    assert overall.error == pytest.approx(math.sqrt(0.1**2 + 0.2**2) / 2)


def test_task_table_has_errors_also_of_the_mean(found):
    table = task_table(found, 100)
    assert [row[:2] for row in table.rows[:3]] == [
        ("x", "0.500 ± 0.100"), ("y", "0.700 ± 0.200"), ("mean", "0.600 ± 0.112"),
    ]  # fmt: skip


def test_rows_have_mean_and_error_as_numbers(found):
    assert rows(found)[0] == ("embedded", 100, "x", "a", 2, 0.5, pytest.approx(0.1))
    assert rows(found[:1])[0][-1] is None
