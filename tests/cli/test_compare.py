"""The comparison of finished runs, and the runs that cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from instructzero.cli.compare import Comparison, compare, read_runs
from instructzero.errors import ConfigurationError
from instructzero.statistics import paired_test
from tests.run_directories import OPENAI, write_run

GOOD, BAD = (1,) * 20, (0,) * 14 + (1,) * 6


def compared(tmp_path: Path, **runs: dict[str, Any]) -> Comparison:
    return compare(read_runs([write_run(tmp_path / name, **values) for name, values in runs.items()]))


def test_compare_pairs_two_runs_by_example(tmp_path: Path) -> None:
    comparison = compared(
        tmp_path, a={"test": GOOD, "instruction": "One."}, b={"test": BAD, "instruction": "Two.", "seed": 0}
    )
    (pair,) = comparison.pairs
    assert pair.test == paired_test(GOOD, BAD)
    assert (pair.first, pair.second, pair.examples) == ("A", "B", 20)
    assert pair.p_value == pair.test.p_value
    assert pair.real
    assert pair.sentence.startswith("A is better than B by 0.700")
    assert pair.sentence.endswith("the difference is significant (p = 0.00012).")
    assert list(comparison.notes()) == []


def test_sentence_names_better_run_first(tmp_path: Path) -> None:
    (pair,) = compared(tmp_path, a={"test": BAD}, b={"test": GOOD, "instruction": "Two."}).pairs
    assert pair.sentence.startswith("B is better than A by 0.700")


def test_difference_within_chance_is_not_significant(tmp_path: Path) -> None:
    (pair,) = compared(tmp_path, a={"test": (1, 1, 0, 1)}, b={"test": (1, 0, 1, 0), "instruction": "Two."}).pairs
    assert not pair.real
    assert "do not differ significantly on 4 test examples" in pair.sentence


def test_runs_with_same_instruction_are_reported_as_such(tmp_path: Path) -> None:
    (pair,) = compared(tmp_path, a={"test": GOOD}, b={"test": GOOD, "method": "uniform"}).pairs
    assert not pair.real
    assert pair.sentence == "A and B found the same instruction."


def test_three_pairs_multiply_smallest_p_value_by_three(tmp_path: Path) -> None:
    half = (1,) * 13 + (0,) * 7
    runs = {name: {"test": test, "instruction": name} for name, test in (("a", GOOD), ("b", half), ("c", BAD))}
    pairs = {(pair.first, pair.second): pair for pair in compared(tmp_path, **runs).pairs}
    assert list(pairs) == [("A", "B"), ("A", "C"), ("B", "C")]
    smallest = min(pairs.values(), key=lambda pair: pair.test.p_value)
    assert smallest.p_value == pytest.approx(3 * smallest.test.p_value)
    assert all(pair.p_value >= pair.test.p_value for pair in pairs.values())


def test_runs_with_other_test_examples_are_left_out_and_named(tmp_path: Path) -> None:
    other = {"header": {"test": "u"}, "seed": 1}
    comparison = compared(tmp_path, a={"test": GOOD}, b={"test": BAD}, c={"test": BAD, **other})
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [("A", "B")]
    (note,) = comparison.notes()
    assert note == "Not compared: A and C, B and C, because they were tested on different examples."


def test_runs_with_other_conditions_give_note(tmp_path: Path) -> None:
    other = {"header": {"black box": {**OPENAI, "model": "gpt-4o"}}, "blackbox": "openai:gpt-4o", "temperature": 1.0}
    comparison = compared(tmp_path, a={}, b=other)
    assert list(comparison.notes()) == [
        "The runs differ in the black box and the temperature, so a difference may not be due to the instruction."
    ]


def test_shots_with_other_exemplars_count_as_differing(tmp_path: Path) -> None:
    runs = {"a": {"shots": 2}, "b": {"shots": 2, "header": {"exemplars": "f"}}}
    assert compared(tmp_path, **runs).differing == ("the shots",)
    without = {"c": {}, "d": {"header": {"exemplars": "f"}}}
    assert compared(tmp_path, **without).differing == ()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"header": {"task": "sums", "test": "u"}}, "runs on the same task, got 'words' in .*a and 'sums' in .*b"),
        ({"header": {"test": "u"}}, "two or more runs that were tested on the same examples, got 2 with different"),
        ({"header": {"metric": "f1"}}, "the same scoring, got the metric 'exact_match' in .*a and 'f1' in .*b"),
        ({"scoring": "loglikelihood"}, "the same scoring, got the scoring 'generate'"),
        ({"header": {"judge": {"model": "m"}}}, "the same scoring, got the judge None"),
    ],
)
def test_incomparable_runs_are_refused(tmp_path: Path, other: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        compared(tmp_path, a={}, b=other)


def test_same_examples_under_other_task_name_are_compared(tmp_path: Path) -> None:
    assert len(compared(tmp_path, a={}, b={"header": {"task": "words-copied"}}).pairs) == 1


def test_single_or_repeated_directory_is_refused(tmp_path: Path) -> None:
    path = write_run(tmp_path / "a")
    for paths in ([path], [path, tmp_path / "." / "a"]):
        with pytest.raises(ConfigurationError, match="expected two or more different run directories"):
            read_runs(paths)


def test_to_dict_holds_runs_and_pairs(tmp_path: Path) -> None:
    content = json.loads(json.dumps(compared(tmp_path, a={"test": GOOD}, b={"test": BAD, "seed": 0}).to_dict()))
    assert [run["label"] for run in content["runs"]] == ["A", "B"]
    assert content["runs"][0]["test"]["score"] == 1
    assert content["runs"][0]["test"]["low"] < 1 == content["runs"][0]["test"]["high"]
    assert content["pairs"][0]["adjusted_p_value"] == content["pairs"][0]["p_value"]
    assert content["pairs"][0]["difference"] == pytest.approx(0.7)
