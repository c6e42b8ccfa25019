"""The key of a call is that of its canonical JSON, however it is put together."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.call import Call
from instructzero.types import Message, Request

TEXTS = st.text(st.characters(exclude_categories=()))
MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS), min_size=1, max_size=3)
REQUESTS = st.builds(
    Request,
    messages=MESSAGES.map(tuple),
    max_tokens=st.integers(1, 10**6),
    temperature=st.floats(0, 2) | st.just(0),
    answers=st.lists(TEXTS, max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 2**70),
)


def document(identity: dict[str, str], request: Request) -> str:
    """Return the canonical JSON, made by Python's module from a dictionary."""
    asked: dict[str, Any] = {
        "messages": [{"role": one.role, "content": one.content} for one in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if request.answers:
        asked["answers"] = request.answers
    if request.seed is not None:
        asked["seed"] = request.seed
    return json.dumps({"identity": identity, "request": asked}, sort_keys=True, separators=(",", ":"))


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), REQUESTS)
def test_document_is_canonical_json_and_key_its_hash(identity: dict[str, str], request: Request) -> None:
    call = Call.of(identity, request)
    assert call.document == document(identity, request)
    assert call.key == hashlib.sha256(call.document.encode()).hexdigest()


def test_calls_are_equal_when_identity_and_request_are() -> None:
    request = Request((Message("user", "ping"),))
    assert Call.of({"a": "1", "b": "2"}, request) == Call.of({"b": "2", "a": "1"}, request)
    assert len({Call.of({}, request), Call.of({}, request), Call.of({"a": "1"}, request)}) == 2
