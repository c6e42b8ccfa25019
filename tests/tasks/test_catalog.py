"""Built-in tasks load by name, and the error for a misspelt name suggests the nearest one."""

import json

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import builtin_names, catalog, get_metric, load_builtin, load_task_data, split_task


@pytest.mark.parametrize("name", builtin_names())
def test_builtin_task_splits_and_accepts_its_own_answers(name):
    data = load_task_data(name)
    assert data.name == name
    assert data.description
    task = split_task(data, seed=0)
    for example in (*data.search, *data.test):
        assert {task.metric(answer, example.outputs) for answer in example.outputs} == {1.0}


@pytest.fixture
def one_task(tmp_path, monkeypatch):
    rows = [{"input": str(i), "outputs": [str(i + 1), f"{i + 1}."]} for i in range(6)]
    content = {"name": "next", "description": "d", "metric": "numeric", "search": rows[:4], "test": rows[3:]}
    (tmp_path / "builtin").mkdir()
    (tmp_path / "builtin" / "next.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(catalog, "files", lambda package: tmp_path)


def test_load_builtin_returns_disjoint_parts(one_task):
    data = load_builtin("next")
    assert builtin_names() == ("next",)
    assert (data.name, data.metric, data.description) == ("next", "numeric", "d")
    assert [example.input for example in data.search] == ["0", "1", "2"]
    assert data.test[0].outputs == ("4", "4.")
    assert get_metric(data.metric)("4", data.test[0].outputs) == 1.0


def test_unknown_task_name_suggests_nearest_name(one_task):
    with pytest.raises(TaskError, match=r"unknown task 'nxt' \(did you mean 'next'\?\).*\.jsonl.*next"):
        load_task_data("nxt")


def test_builtin_names_without_builtin_folder_are_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "files", lambda package: tmp_path)
    assert builtin_names() == ()
    with pytest.raises(TaskError, match="unknown task 'sum'"):
        load_task_data("sum")
