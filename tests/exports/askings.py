"""Askings with hostile texts, which try to break out of their quotation marks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from instructzero.exports.asking import Asking, Prompt
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
    return Asking(prompt=Prompt.of(values["shots"]), **values)


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
)
