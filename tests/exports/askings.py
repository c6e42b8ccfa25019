"""Askings with hostile texts, which try to break out of their quotation marks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.prompt import Prompt
from instructzero.models.addresses import USUAL_KEYS
from instructzero.prompts import DEFAULT, PromptTemplate
from instructzero.types import Example

HOSTILE = st.text(st.sampled_from("'\"\\\n\r\t\0$`{}#;&|!%\x1b\u2028\ud800é") | st.characters(), max_size=40)
EXEMPLARS = st.lists(st.builds(Example, HOSTILE, st.tuples(HOSTILE)), max_size=2).map(tuple)


def make_asking(**changes: Any) -> Asking:
    """Return an asking of OpenAI's own API, with ``changes``."""
    usual: dict[str, Any] = {
        "instruction": "Reverse the word.",
        "shots": (),
        "kind": "openai",
        "model": "gpt-4o-mini",
        "endpoint": "https://api.openai.com/v1",
        "official": True,
        "revision": "",
        "dtype": "float32",
        "chat": True,
        "max_tokens": 64,
        "temperature": 0.0,
    }
    values = usual | changes
    values.setdefault("access", Access(variable=USUAL_KEYS.get(values["kind"], "")))
    template = values.pop("template", DEFAULT)
    return Asking(prompt=Prompt.of(values["shots"], template), **values)


MAIL = PromptTemplate.parse(
    'system: {instruction} Answer as {"x": 1}.\nuser: # {subject}\n{e-mail text}', ["e-mail text"]
)
"""A template of two messages and two columns, one of which is no identifier, with braces that are no field."""

MAILS = st.builds(lambda subject, text: {"subject": subject, "e-mail text": text}, HOSTILE, HOSTILE)
MAIL_SHOTS = st.lists(
    st.builds(lambda mail, answer: Example("whole", (answer,), mail), MAILS, HOSTILE), max_size=2
).map(tuple)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | HOSTILE,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(HOSTILE, inner, max_size=2),
    max_leaves=4,
)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
"""Values of headers and of a query: printable ASCII without spaces, among them quotation marks and backslashes."""

ACCESSES = st.builds(
    Access,
    variable=st.sampled_from(["OPENAI_API_KEY", "LOCAL_KEY"]),
    named=st.booleans(),
    in_header=st.booleans(),
    headers=st.lists(
        st.builds(
            Header, st.sampled_from(["X-Team", "authorization", "API-Key"]), VALUES, st.sampled_from(["", "GATE"])
        ),
        max_size=2,
        unique_by=lambda header: header.name,
    ).map(tuple),
    own_key=st.booleans(),
    query=st.lists(st.tuples(st.sampled_from(["api-version", "v"]), VALUES), max_size=2).map(tuple),
    extra_body=st.dictionaries(HOSTILE, JSON, max_size=2),
)

KINDS = st.sampled_from(["openai", "anthropic", "hf", "embedded", "python", "scripted", "object"])
ASKINGS = st.builds(
    make_asking,
    instruction=HOSTILE,
    shots=EXEMPLARS,
    kind=KINDS,
    model=HOSTILE,
    endpoint=HOSTILE,
    official=st.booleans(),
    revision=HOSTILE,
    dtype=HOSTILE,
    chat=st.booleans(),
    temperature=st.sampled_from([0.0, 0.7]),
    access=ACCESSES,
)
