"""The special fields of the benchmark's files, on made-up examples."""

import json

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import load_task_data
from instructzero.types import Example


@pytest.fixture
def folder(tmp_path):
    def write(name, search, test=None):
        for part, rows in (("induce", search), ("execute", test)):
            (tmp_path / part).mkdir(exist_ok=True)
            if rows is not None:
                examples = {str(number): row for number, row in enumerate(rows, start=1)}
                content = json.dumps({"metadata": {"num_examples": len(rows)}, "examples": examples})
                (tmp_path / part / f"{name}.json").write_text(content, encoding="utf-8")
        return tmp_path

    return write


def test_cause_and_effect_input_shows_sentences_in_either_order(folder):
    rows = [{"cause": f"It rained {i}.", "effect": f"He got wet {i}."} for i in range(40)]
    data = load_task_data("cause_and_effect", data_dir=folder("cause_and_effect", rows))
    first_is_cause = [example.input.startswith("Sentence 1: It rained") for example in data.search]
    assert 5 < sum(first_is_cause) < 35
    assert data.search[3].outputs == ("It rained 3.",)
    assert "Sentence 2: " in data.search[3].input
    assert data == load_task_data("cause_and_effect", data_dir=folder("cause_and_effect", rows))


def test_common_concept_joins_items_and_accepts_every_concept(folder):
    rows = [{"concept": "go up.", "items": ["a", "b", "c"], "all_common_concepts": ["go up.", "rise."]}]
    data = load_task_data("common_concept", data_dir=folder("common_concept", rows))
    assert data.search == (Example("a, b, c", ("go up.", "rise."), {"concept": "go up."}),)
    assert data.metric == "f1"


@pytest.mark.parametrize("field", ["possible_translations", "other_rhymes"])
def test_further_answers_follow_the_output_of_the_row(folder, field):
    rows = [{"input": "time", "output": "Zeit", field: ["Mal", "", "Zeit"]}]
    data = load_task_data("special", data_dir=folder("special", rows))
    assert data.search == (Example("time", ("Zeit", "Mal")),)


def test_rhymes_without_output_load(folder):
    rows = [{"input": "wall", "other_rhymes": ["ball", "call"]}]
    assert load_task_data("rhymes", data_dir=folder("rhymes", rows)).search[0].outputs == ("ball", "call")


def test_task_without_execute_file_has_no_test_part(folder):
    assert load_task_data("cs", data_dir=folder("cs", [{"input": "a", "output": "b"}])).test is None


def test_input_of_both_parts_stays_in_test_part_only(folder):
    search = [{"input": "1", "output": "H"}, {"input": "2", "output": "He"}]
    data = load_task_data("elements", data_dir=folder("elements", search, search[:1]))
    assert [example.input for example in data.search] == ["2"]
    assert [example.input for example in data.test] == ["1"]


def test_folder_without_benchmark_raises(tmp_path):
    with pytest.raises(TaskError, match=r"induce/NAME\.json"):
        load_task_data("sum", data_dir=tmp_path)
