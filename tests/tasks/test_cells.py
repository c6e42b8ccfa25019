"""Cells of any library become JSON values, and their text is that of an answer."""

import enum
from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.tasks.cells import Accepted, WrittenNumber, bare, json_text, json_value, kind_of, text_of
from instructzero.types import Cells, Example


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (Colour.RED, "red"),
        (float("nan"), None),
        (np.float32("nan"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(["a", "b"]), ["a", "b"]),
        (Decimal("3.50"), "3.50"),
        (datetime(2023, 4, 1), "2023-04-01"),
        (datetime(2023, 4, 1, 9, 30), "2023-04-01T09:30:00"),
        (date(2023, 4, 1), "2023-04-01"),
        (time(9, 30), "09:30:00"),
        ({1: (2, None)}, {"1": [2, None]}),
        ({"b", "a"}, ["a", "b"]),
    ],
)
def test_value_of_cell_is_json(cell, value):
    assert json_value(cell) == value
    assert type(json_value(cell)) is type(value)


def test_several_accepted_answers_stay_several():
    assert isinstance(json_value(Accepted([np.int64(1)])), Accepted)


def test_value_without_json_form_stays_and_has_no_text():
    assert json_value(b"x") == b"x"
    assert text_of(b"x") is None
    assert kind_of(b"x") == "a value of type bytes"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        *((True, "true"), (False, "false"), (7, "7"), (7.0, "7"), (-0.5, "-0.5"), (1e300, "1e+300")),
        *((WrittenNumber("3.50"), "3.50"), (None, None), ([], None), ({}, None)),
    ],
)
def test_text_of_cell(cell, text):
    assert text_of(cell) == text


def test_json_text_writes_numbers_as_numbers():
    assert json_text({"total": WrittenNumber("3.50"), "parts": [WrittenNumber("1"), "é"]}) == (
        '{"total": 3.5, "parts": [1, "é"]}'
    )
    assert bare([WrittenNumber("1e3"), {"n": WrittenNumber("12")}]) == [1000.0, {"n": 12}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_cells_are_the_mapping_that_they_were_made_from(values):
    cells = Cells(values)
    assert dict(cells) == values
    assert cells == Cells(values)
    assert hash(cells) == hash(Cells(dict(reversed(values.items()))))


def test_cells_cannot_be_changed_through_a_value():
    cells = Cells({"tests": ["a"]})
    cells["tests"].append("b")
    assert cells["tests"] == ["a"]


def test_examples_that_differ_in_a_column_differ():
    assert Example("a", ("b",), {"unit": "cm"}) != Example("a", ("b",))
    assert len({Example("a", ("b",), {"unit": "cm"}), Example("a", ("b",), {"unit": "cm"})}) == 1
    assert repr(Example("a", ("b",), {"unit": "cm"})) == "Example(input='a', outputs=('b',))"
