"""Every task file of the instruction-induction benchmark loads, scores and splits.

The benchmark is not part of the package: INSTRUCTZERO_BENCHMARK_DATA names its folder.
"""

import os
from pathlib import Path

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import load_task_data, split_task
from instructzero.tasks.instruction_induction import benchmark_names

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "instruction-induction"
FOLDER = Path(os.environ.get("INSTRUCTZERO_BENCHMARK_DATA") or _BESIDE)
pytestmark = pytest.mark.skipif(not (FOLDER / "induce").is_dir(), reason="the benchmark's folder is not there")
NAMES = benchmark_names(FOLDER)
PAPER_METRICS = {
    "common_concept": "f1",
    "informal_to_formal": "f1",
    "orthography_starts_with": "exact_set",
    "taxonomy_animal": "exact_set",
    "synonyms": "contains",
}


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_task_splits_with_paper_metric_and_accepts_its_own_answers(name):
    data = load_task_data(name, data_dir=FOLDER)
    task = split_task(data, seed=0)
    assert data.metric == task.metric.name == PAPER_METRICS.get(name, "exact_match")
    assert task.exemplars
    assert task.validation
    assert task.test
    for example in (*data.search, *data.test):
        assert {task.metric(answer, example.outputs) for answer in example.outputs} == {1.0}


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_search_part_has_no_test_input(name):
    data = load_task_data(name, data_dir=FOLDER)
    assert not {example.input.strip() for example in data.search} & {e.input.strip() for e in data.test}


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_file_loads_by_path(name):
    data = load_task_data(FOLDER / "execute" / f"{name}.json")
    assert data.metric == PAPER_METRICS.get(name, "exact_match")
    assert data.search == load_task_data(name, data_dir=FOLDER).test


def test_misspelt_benchmark_task_suggests_nearest_name():
    with pytest.raises(TaskError, match="did you mean 'antonyms'"):
        load_task_data("antonims", data_dir=FOLDER)
