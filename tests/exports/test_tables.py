"""Exports as text, JSON and CSV hold the values of the run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.exports.spreadsheet import without_formula
from instructzero.exports.tables import SCORE_COLUMNS, TRIAL_COLUMNS, scores, text, trials, whole_result
from instructzero.finished_run import FinishedRun
from tests.run_directories import write_run

# A run's own files are UTF-8, which cannot hold half of a surrogate pair.
WRITABLE = st.text(st.sampled_from(",;'\"\\\n\r\t\0=+-@") | st.characters(exclude_categories=["Cs"]), max_size=30)


def rows(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content, newline="")))


@settings(max_examples=25, deadline=None)
@given(WRITABLE)
def test_exports_of_any_instruction_are_read_back(instruction: str) -> None:
    with TemporaryDirectory() as folder:
        run = FinishedRun.read(write_run(Path(folder), instruction=instruction, plain=f"not {instruction}"))
    assert text(run) == f"{instruction}\n"
    assert [row["instruction"] for row in rows(trials(run, raw=True))] == ["Spell it.", instruction]
    assert {row["instruction"] for row in rows(scores(run, raw=True)) if row["part"] == "confirmation"} == {instruction}
    shown = without_formula(instruction)
    assert [row["instruction"] for row in rows(trials(run))] == ["Spell it.", shown]
    assert {row["instruction"] for row in rows(scores(run)) if row["part"] == "confirmation"} == {shown}
    assert json.loads(whole_result(run))["instruction"] == instruction


def test_trials_has_a_row_for_each_trial(tmp_path: Path) -> None:
    found = rows(trials(FinishedRun.read(write_run(tmp_path, instruction="Reverse."))))
    assert tuple(found[0]) == TRIAL_COLUMNS
    assert [(row["number"], row["score"], row["examples"], row["calls"]) for row in found] == [
        ("0", "0.0", "1", "1"),
        ("1", str(2 / 3), "3", "3"),
    ]
    assert json.loads(found[1]["z"]) == [0.5, -0.5]
    assert found[1]["raw"] == " Reverse. "


def test_scores_has_a_row_for_each_example_of_each_evaluation(tmp_path: Path) -> None:
    found = rows(scores(FinishedRun.read(write_run(tmp_path, test=(1, 0)))))
    assert tuple(found[0]) == SCORE_COLUMNS
    counts = {part: [row["example"] for row in found if row["part"] == part] for part in {row["part"] for row in found}}
    assert counts == {
        "plain": ["0", "1", "2"],
        "validation": ["0", "0", "1", "2"],
        "confirmation": ["0", "1"],
        "test": ["0", "1", "0", "1"],
    }
    assert [row["trial"] for row in found if row["part"] == "validation"] == ["0", "1", "1", "1"]
    assert [row["score"] for row in found if row["part"] == "test"] == ["1.0", "0.0", "0.0", "0.0"]


def test_whole_result_has_settings_identities_and_all_scores(tmp_path: Path) -> None:
    content = whole_result(FinishedRun.read(write_run(tmp_path, instruction="Umkehren, é\x1b")))
    assert content.isascii()
    assert "\x1b" not in content
    found = json.loads(content)
    assert found["settings"]["blackbox"] == "openai:gpt-4o-mini"
    assert found["identities"]["black box"]["model"] == "gpt-4o-mini"
    assert [trial["scores"] for trial in found["trials"]] == [[0], [1, 1, 0]]
    assert {test["instruction"]: test["scores"] for test in found["tests"]} == {
        "Umkehren, é\x1b": [1, 1, 1, 0],
        "Do something.": [0, 0, 0, 0],
    }
    assert found["test_score"] == 0.75
