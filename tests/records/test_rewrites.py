"""Orders for new texts in the journal: they come back as they were, and a shared request is written once."""

import json

from hypothesis import given
from hypothesis import strategies as st

from instructzero.records.rewrites import decode_rewrites, encode_rewrites
from instructzero.types import Rewrite

REWRITES = st.builds(
    Rewrite,
    st.sampled_from(["Write.", "Improve."]),
    st.sampled_from(["", "Sort"]),
    st.integers(0, 2),
    st.integers(0, 3),
    st.just(4),
) | st.builds(Rewrite, st.text(max_size=5), st.text(max_size=5), st.integers(0, 9))


@given(st.lists(REWRITES | st.none(), max_size=12))
def test_orders_come_back_as_they_were(rewrites):
    assert decode_rewrites(json.loads(json.dumps(encode_rewrites(rewrites)))) == rewrites


def test_request_for_several_texts_is_written_once():
    prompt = "improve " * 1000
    text = json.dumps(encode_rewrites([Rewrite(prompt, "", 3, part, 4) for part in range(4)]))
    assert len(text) < len(prompt) + 200


def test_order_for_one_text_has_no_parts():
    assert encode_rewrites([Rewrite("Vary.", "", 1)]) == [{"prompt": "Vary.", "start": "", "seed": 1}]
