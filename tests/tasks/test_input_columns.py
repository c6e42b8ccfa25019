"""Inputs of several columns: one readable text, and each column by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from instructzero.errors import TaskError
from instructzero.tasks import load_rows, load_task_data
from instructzero.types import Example

MAILS: list[dict[str, Any]] = [
    {"subject": "Late", "body": "Where is it?", "n": 3, "queue": "parcels"},
    {"subject": "", "body": "Too much", "n": None, "queue": "bills"},
]
NAMED = {"input_column": "subject,body", "output_column": "queue"}
EXPECTED = (
    Example("subject: Late\nbody: Where is it?", ("parcels",), {"subject": "Late", "body": "Where is it?", "n": 3}),
    Example("subject: \nbody: Too much", ("bills",), {"subject": "", "body": "Too much", "n": None}),
)


def test_several_columns_are_one_text_and_stay_columns(tmp_path: Path) -> None:
    (tmp_path / "mails.jsonl").write_text("\n".join(map(json.dumps, MAILS)))
    assert load_task_data(tmp_path / "mails.jsonl", **NAMED).search == EXPECTED
    assert load_rows(MAILS, **NAMED).search == EXPECTED
    assert load_rows({name: [row[name] for row in MAILS] for name in MAILS[0]}, **NAMED).search == EXPECTED
    assert load_rows(MAILS, input_column=" subject , body ", output_column="queue").search == EXPECTED


def test_table_and_separate_test_file_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("subject,body,queue\nLate,Where?,x\nLate,When?,y\n")
    (tmp_path / "t.csv").write_text("body,subject,queue\nWhere?,Late,x\n")
    data = load_task_data(tmp_path / "a.csv", test_source=tmp_path / "t.csv", **NAMED)
    assert [example.input for example in data.search] == ["subject: Late\nbody: When?"]
    assert data.test is not None
    assert [example.input for example in data.test] == ["subject: Late\nbody: Where?"]


def test_column_whose_name_has_the_comma_wins() -> None:
    rows = [{"subject,body": "a", "subject": "b", "body": "c", "queue": "d"}]
    assert load_rows(rows, **NAMED).search == (Example("a", ("d",), {"subject": "b", "body": "c"}),)


def test_examples_keep_their_input_and_columns() -> None:
    assert load_rows(EXPECTED, **NAMED).search == EXPECTED


def test_values_and_keys_inside_objects_are_text() -> None:
    rows = [{"n": 3.0, "mail": {"tags": ["a", "é"]}, "output": "x"}]
    (example,) = load_rows(rows, input_column="n,mail.tags").search
    assert example.input == 'n: 3\nmail.tags: ["a", "é"]'
    assert example.columns["mail.tags"] == ["a", "é"]


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ({"subject": None}, "subject,body", "row 2: expected text in 'subject', got null; fill it in"),
        ({"subject": " ", "body": ""}, "subject,body", "row 2: expected text in one of 'subject,body', got empty"),
        ({}, "subject,boddy", r"row 1: expected a column 'boddy', .* \(did you mean 'body'\?\)"),
        ({}, "subject,", "row 1: expected a column 'subject,'"),
    ],
)
def test_faulty_columns_are_refused_with_the_row(row: dict[str, Any], column: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load_rows([MAILS[0], {**MAILS[1], **row}], input_column=column, output_column="queue")


def test_single_column_changes_no_example() -> None:
    (example,) = load_rows(MAILS[:1], input_column="body", output_column="queue", shown=("subject",)).search
    assert example == Example("Where is it?", ("parcels",), {"subject": "Late", "n": 3})
    assert list(example.columns) == ["subject", "n"]


def test_shown_columns_need_a_value_in_every_row_if_any_has_one() -> None:
    with pytest.raises(TaskError, match="row 2: expected a value in 'n', which the prompt shows, got none"):
        load_rows(MAILS, shown=("n",), **NAMED)
    assert load_rows(MAILS, shown=("elsewhere",), **NAMED).search == EXPECTED
