"""The parts of a split are disjoint, seeded and never empty, whatever the size of the task."""

import os
import random
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from instructzero.errors import TaskError
from instructzero.tasks import Task, TaskData, get_metric, split_task
from instructzero.types import Example


def examples(name, size):
    return tuple(Example(f"{name}{i}", (str(i),)) for i in range(size))


def task_of(search, test=None, **more):
    return TaskData("t", examples("s", search), None if test is None else examples("t", test), **more)


def sizes(task):
    return len(task.exemplars), len(task.validation), len(task.test)


@settings(deadline=None)
@given(search=st.integers(3, 200), test=st.none() | st.integers(1, 150), seed=st.integers())
def test_split_is_disjoint_never_empty_and_reproducible(search, test, seed):
    data = task_of(search, test)
    task = split_task(data, seed=seed)
    inputs = [example.input for example in (*task.exemplars, *task.validation, *task.test)]
    assert len(set(inputs)) == len(inputs)
    assert min(sizes(task)) >= 1
    assert split_task(data, seed=seed) == task
    if test is not None:
        assert set(task.test) <= set(data.test)


@settings(deadline=None)
@given(search=st.integers(3, 60), data=st.data())
def test_split_meets_feasible_sizes_exactly(search, data):
    exemplars = data.draw(st.integers(1, search - 2))
    validation = data.draw(st.integers(1, search - exemplars - 1))
    test = data.draw(st.integers(1, search - exemplars - validation))
    task = split_task(task_of(search), exemplars=exemplars, validation=validation, test=test, seed=1)
    assert sizes(task) == (exemplars, validation, test)


@pytest.mark.parametrize(
    ("search", "test", "expected"),
    [
        (1000, 1000, (5, 20, 100)),
        (1000, None, (5, 20, 100)),
        (26, 25, (5, 20, 25)),
        (19, 50, (3, 16, 50)),
        (17, 16, (3, 14, 16)),
        (15, 15, (3, 12, 15)),
        (10, None, (2, 4, 4)),
        (10, 10, (2, 8, 10)),
        (3, None, (1, 1, 1)),
        (2, 1, (1, 1, 1)),
    ],
)
def test_split_shrinks_default_sizes_to_the_data(search, test, expected):
    assert sizes(split_task(task_of(search, test), seed=0)) == expected


@pytest.mark.parametrize(
    ("search", "test", "asked", "expected"),
    [
        (30, 5, {"validation": 29}, (1, 29, 5)),
        (30, 5, {"exemplars": 29}, (29, 1, 5)),
        (30, None, {"test": 28}, (1, 1, 28)),
        (30, None, {"exemplars": 10, "test": 10}, (10, 10, 10)),
    ],
)
def test_split_shares_the_rest_among_open_sizes(search, test, asked, expected):
    assert sizes(split_task(task_of(search, test), seed=0, **asked)) == expected


@pytest.mark.parametrize(
    ("search", "test", "asked", "words"),
    [
        (30, 5, {"validation": 30}, "asked for 30 validation examples, .* has 30.*ask for at most 29"),
        (30, 5, {"test": 6}, "asked for 6 test examples, .* has 5; ask for at most 5"),
        (30, 5, {"exemplars": 20, "validation": 20}, "at most 30 together"),
        (30, None, {"exemplars": 29}, "at most 28"),
        (30, None, {"exemplars": 0}, "asked for 0 exemplars"),
        (30, None, {"validation": -1}, "asked for -1 validation examples"),
        (2, None, {}, "at least 3 examples"),
        (1, 5, {}, "at least 2 examples"),
    ],
)
def test_split_with_infeasible_sizes_raises_with_fix(search, test, asked, words):
    with pytest.raises(TaskError, match=words):
        split_task(task_of(search, test), seed=0, **asked)


def parts(task):
    return task.exemplars, task.validation, task.test


@settings(deadline=None)
@given(
    search=st.integers(3, 200),
    test=st.none() | st.integers(1, 150),
    confirmation=st.none() | st.integers(0, 60),
    seed=st.integers(0, 9),
)
def test_confirmation_examples_are_separate_and_change_no_other_part(search, test, confirmation, seed):
    """Confirmation takes its examples from the search examples that the other parts leave."""
    data = task_of(search, test)
    without = split_task(data, seed=seed)
    left = search - len(without.exemplars) - len(without.validation) - (0 if test else len(without.test))
    assume(confirmation is None or confirmation <= left)
    task = split_task(data, seed=seed, confirmation=confirmation)
    assert parts(task) == parts(without)
    assert without.confirmation == ()
    assert len(task.confirmation) == (min(40, left) if confirmation is None else confirmation)
    assert set(task.confirmation) <= set(data.search)
    assert not set(task.confirmation) & {example for part in parts(task) for example in part}
    assert len(set(task.confirmation)) == len(task.confirmation)


@pytest.mark.parametrize(
    ("search", "test", "asked", "expected"),
    [
        (1000, None, None, 40),
        (1000, 1000, None, 40),
        (130, None, None, 5),
        (125, None, None, 0),
        (30, 100, None, 5),
        (1000, 1000, 300, 300),
        (130, None, 5, 5),
        (10, None, 0, 0),
    ],
)
def test_default_confirmation_takes_up_to_40_remaining_examples(search, test, asked, expected):
    assert len(split_task(task_of(search, test), seed=0, confirmation=asked).confirmation) == expected


def test_explicit_confirmation_makes_default_parts_smaller():
    task = split_task(task_of(20), seed=0, confirmation=10)
    assert len(task.confirmation) == 10
    assert sum(sizes(task)) == 10
    assert min(sizes(task)) >= 1


@pytest.mark.parametrize(
    ("search", "test", "confirmation", "words"),
    [
        (30, None, 28, "asked for 28 confirmation examples, .* has 30.* ask for at most 27"),
        (30, 5, 29, "asked for 29 confirmation examples, .* has 30.* ask for at most 28"),
        (30, 5, -1, "asked for -1 confirmation examples"),
        (3, None, 1, "at least 4 examples for .*confirmation examples, got 3"),
    ],
)
def test_split_with_infeasible_confirmation_raises_with_fix(search, test, confirmation, words):
    with pytest.raises(TaskError, match=words):
        split_task(task_of(search, test), seed=0, confirmation=confirmation)


def test_split_depends_on_seed_and_name_and_keeps_global_generator():
    data = task_of(100, 100)
    state = random.getstate()
    first = split_task(data, seed=0)
    assert random.getstate() == state
    assert split_task(data, seed=1).validation != first.validation
    assert split_task(TaskData("other", data.search, data.test), seed=0).validation != first.validation


def test_split_does_not_depend_on_hash_randomisation():
    code = (
        "from instructzero.tasks import TaskData, split_task; from instructzero.types import Example;"
        "data = TaskData('t', tuple(Example(str(i), ('a',)) for i in range(50)));"
        "print([e.input for e in split_task(data, seed=3).validation])"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_split_prefers_explicit_metric_then_data_metric_then_exact_match():
    data = task_of(10, metric="f1")
    assert split_task(data, metric="contains").metric.name == "contains"
    assert split_task(data).metric.name == "f1"
    assert split_task(task_of(10)).metric.name == "exact_match"
    assert split_task(data, metric="choice").metric.options == tuple("0123456789")


def test_task_checks_its_parts():
    one, other = Example("a", ("b",)), Example("c", ("d",))
    with pytest.raises(TaskError, match="at least one of test examples"):
        Task("t", (one,), (other,), (), get_metric("f1"))
    with pytest.raises(TaskError, match="one part only"):
        Task("t", (one,), (other,), (one,), get_metric("f1"))
    third = Example("e", ("f",))
    assert Task("t", (one,), (other,), (third,), get_metric("f1")).confirmation == ()
    with pytest.raises(TaskError, match="one part only"):
        Task("t", (one,), (other,), (third,), get_metric("f1"), confirmation=(one,))
