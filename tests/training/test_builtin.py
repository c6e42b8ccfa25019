"""The built-in task files: valid, with disjoint parts and no procedural input from the training of the black box."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from instructzero.tasks import get_metric
from training.corpus import grammar
from training.corpus.registry import SHIPPED, TASKS, is_held_out_input
from training.corpus.rows import black_box_rows, exemplars
from training.make_tasks import BUILTIN, task_record, write_tasks

FILES = {path.stem: path for path in sorted(BUILTIN.glob("*.json"))}
METRICS = {"exact_match", "f1", "exact_set", "contains"}
FEWER = {"periodic_elements": 59, "sum": 80, "diff": 40}  # tasks with few possible inputs
WORD = r"[A-Za-z]+"
TWO_SENTENCES = r"Sentence 1: [A-Z][^.]+\. Sentence 2: [A-Z][^.]+\."
FORMS: dict[str, tuple[str, str]] = {  # task → form of the inputs, form of the answers
    "active_to_passive": (r"The \w+ \w+ the \w+\.", r"The \w+ (was|were) \w+ by the \w+\."),
    "antonyms": (r"[a-z]+", r"[a-z]+"),
    "ascii": (r"\w( \w){0,2}", r"\d+( \d+){0,2}"),
    "auto_categorization": (rf"{WORD}, {WORD}, and {WORD}", r"[a-z]+( [a-z]+)*"),
    "auto_debugging": (r".+(\n.+){1,2}", r"\w+Error: .+|\w+|\[[\d, ]+\]"),
    "cause_and_effect": (TWO_SENTENCES, r"[A-Z][^.]+\."),
    "common_concept": (rf"{WORD}, {WORD}, {WORD}", r"[a-z]+( [a-z]+)+\."),
    "diff": (r"\d+ \d+", r"\d+"),
    "first_word_letter": (r"[a-z]+", r"[a-z]"),
    "informal_to_formal": (r"[A-Z].+[.?]", r"[A-Z].+[.?]"),
    "larger_animal": (r"[a-z]+, [a-z]+", r"[a-z]+"),
    "letters_list": (r"[a-z]+", r"[a-z]( [a-z])+"),
    "negation": (r"The .+\.", r"The .+ not .+\."),
    "num_to_verbal": (r"\d+", r"[a-z, -]+"),
    "object_counting": (r"I have .+\.", r"\d+"),
    "odd_one_out": (rf"{WORD}(, {WORD}){{4}}", WORD),
    "orthography_starts_with": (r".+\. \[[a-z]\]", r"[a-z]+( [a-z]+)*"),
    "periodic_elements": (r"\d+", r"[a-z]+"),
    "rhymes": (WORD, WORD),
    "second_word_letter": (r"[a-z]+", r"[a-z]"),
    "sentence_similarity": (TWO_SENTENCES, r"[0-5] - [a-z]+( [a-z]+)?"),
    "sentiment": (r"[A-Z].+\.", r"positive|negative"),
    "singular_to_plural": (r"[a-z]+", r"[a-z]+"),
    "sum": (r"\d+ \d+", r"\d+"),
    "synonyms": (r"[a-z]+", r"[a-z]+"),
    "taxonomy_animal": (r"[a-z]+(, [a-z]+)+", r"[a-z]+(, [a-z]+)*"),
    "translation_en-de": (r"[a-z]+", r"[^\d\s]+"),
    "translation_en-es": (r"[a-z]+", r"[^\d\s]+"),
    "translation_en-fr": (r"[a-z]+", r"[^\d\s]+"),
    "word_in_context": (TWO_SENTENCES + r" Word: [a-z]+", r"same|yes|true|not the same|no|false"),
    "word_sorting": (r"List: [a-z]+( [a-z]+)+", r"[a-z]+( [a-z]+)+"),
    "word_unscrambling": (r"[a-z]{4,5}", r"[a-z]{4,5}"),
}


def load(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(FILES[name].read_text(encoding="utf-8"))
    return record


@pytest.mark.parametrize("name", SHIPPED)
def test_task_file_has_expected_fields(name: str) -> None:
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


@pytest.mark.parametrize("name", SHIPPED)
def test_search_and_test_parts_are_disjoint_and_large_enough(name: str) -> None:
    record = load(name)
    search = [example["input"] for example in record["search"]]
    test = [example["input"] for example in record["test"]]
    assert len({TASKS[name].key(text) for text in (*search, *test)}) == len(search) + len(test)
    assert min(len(search), len(test)) >= FEWER.get(name, 100)


@pytest.mark.parametrize("name", SHIPPED)
def test_procedural_inputs_are_held_out_from_training(name: str) -> None:
    task = TASKS[name]
    record = load(name)
    if not task.is_closed:
        assert all(is_held_out_input(task, example["input"]) for example in (*record["search"], *record["test"]))


@pytest.mark.parametrize("name", SHIPPED)
def test_inputs_and_answers_match_patterns_of_task(name: str) -> None:
    record = load(name)
    input_form, answer_form = FORMS[name]
    for example in (*record["search"], *record["test"]):
        assert re.fullmatch(input_form, example["input"])
        assert all(re.fullmatch(answer_form, answer) for answer in example["outputs"])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_answer_scores_one_by_metric_of_task(name: str) -> None:
    record = load(name)
    metric = get_metric(record["metric"])
    for example in (*record["search"], *record["test"]):
        assert {metric(answer, tuple(example["outputs"])) for answer in example["outputs"]} == {1.0}


def test_inputs_are_short() -> None:
    for name in SHIPPED:
        assert max(len(example["input"].split()) for example in load(name)["search"]) <= 27


def test_training_rows_contain_no_input_of_task_file() -> None:
    owners = {text: name for name in SHIPPED for text in grammar.clear_texts(TASKS[name].good, held_out=False)}
    reserved = {
        name: {TASKS[name].key(example["input"]) for part in ("search", "test") for example in load(name)[part]}
        for name in SHIPPED
        if not TASKS[name].is_closed
    }
    rng = Random(21)
    for row in (row for _ in range(1000) for row in black_box_rows(rng, 3)):
        instruction, text, _ = row.prompt.split("\n\n")
        name = owners.get(instruction.removeprefix("Instruction: "), "")
        assert name not in reserved or TASKS[name].key(text.removeprefix("Input: ")) not in reserved[name]
    for name, keys in reserved.items():
        assert not keys & {TASKS[name].key(text) for _ in range(20) for text, _ in exemplars(TASKS[name], 5, rng)}


@pytest.mark.parametrize("name", SHIPPED)
def test_answers_equal_those_of_corpus(name: str) -> None:
    record = load(name)
    for example in (*record["search"], *record["test"]):
        assert tuple(example["outputs"]) == TASKS[name].answer(example["input"])


def test_all_tasks_of_the_paper_have_files() -> None:
    assert set(SHIPPED) == set(FORMS)
    assert len(FORMS) == 32


def test_task_files_equal_output_of_script(tmp_path: Path) -> None:
    for path in write_tasks(tmp_path):
        assert path.read_bytes() == FILES[path.stem].read_bytes()
    assert task_record(TASKS["sum"]) == load("sum")
