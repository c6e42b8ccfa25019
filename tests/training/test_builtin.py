"""The built-in task files: well formed, disjoint parts, nothing procedural that the black box was taught."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.corpus.registry import SHIPPED, TASKS, is_held_out_input
from training.make_tasks import BUILTIN, LEFT_OUT, task_record, write_tasks

FILES = {path.stem: path for path in sorted(BUILTIN.glob("*.json"))}
METRICS = {"exact_match", "f1", "exact_set", "contains"}
FEWER = {"periodic_elements": 59, "sum": 80, "diff": 40}  # tasks with few possible inputs
MADE_HERE = [name for name in SHIPPED if name not in LEFT_OUT]


def load(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(FILES[name].read_text(encoding="utf-8"))
    return record


@pytest.mark.parametrize("name", MADE_HERE)
def test_form(name: str) -> None:
    record = load(name)
    assert set(record) == {"name", "description", "metric", "search", "test"}
    assert record["name"] == name
    assert record["metric"] in METRICS
    assert "\n" not in record["description"]
    for example in (*record["search"], *record["test"]):
        assert set(example) == {"input", "outputs"}
        assert example["input"]
        assert example["outputs"]
        assert all(isinstance(answer, str) and answer.strip() for answer in example["outputs"])


@pytest.mark.parametrize("name", MADE_HERE)
def test_parts_are_disjoint_and_large_enough(name: str) -> None:
    record = load(name)
    search = [example["input"] for example in record["search"]]
    test = [example["input"] for example in record["test"]]
    assert len({*search, *test}) == len(search) + len(test)
    assert min(len(search), len(test)) >= FEWER.get(name, 100)


@pytest.mark.parametrize("name", MADE_HERE)
def test_procedural_inputs_were_never_taught(name: str) -> None:
    task = TASKS[name]
    record = load(name)
    if not task.is_closed:
        assert all(is_held_out_input(task, example["input"]) for example in (*record["search"], *record["test"]))


@pytest.mark.parametrize("name", MADE_HERE)
def test_answers_come_from_the_corpus(name: str) -> None:
    record = load(name)
    for example in (*record["search"], *record["test"]):
        assert tuple(example["outputs"]) == TASKS[name].answer(example["input"])


def test_files_are_what_the_script_writes(tmp_path: Path) -> None:
    for path in write_tasks(tmp_path):
        assert path.read_bytes() == FILES[path.stem].read_bytes()
    assert task_record(TASKS["sum"]) == load("sum")
