"""JSON by orjson, with Python's own module for what that refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.models.json_text import dump_json, load_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_value_is_the_same_after_dump_and_load(value: Any) -> None:
    assert json.loads(dump_json(value)) == value
    assert load_json(json.dumps(value).encode()) == value


@given(st.integers(2**64) | st.integers(max_value=-(2**63) - 1))
def test_integer_of_more_than_64_bits_is_written_whole_and_read_as_float(value: int) -> None:
    assert dump_json(value) == str(value).encode()
    assert load_json(str(value).encode()) == float(value)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_of_a_surrogate_pair_is_kept(text: str) -> None:
    assert load_json(dump_json({"text": text})) == {"text": text}


@pytest.mark.parametrize("text", [b"", b"{", b"nonsense", b"\xff", b"[" * 2000])
def test_what_is_no_json_raises(text: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        load_json(text)
