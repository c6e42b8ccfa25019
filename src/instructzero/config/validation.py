"""One sentence about a validation error, in the words of the input that was validated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from instructzero.errors import nearest

SECRET = "secret"
"""The type of an error whose input must not be repeated."""

SENTENCE = "sentence"
"""The type of an error whose message is the whole sentence."""


@dataclass(frozen=True)
class Wording:
    """The sentences about the faults of one kind of input, as templates of `str.format`.

    All know ``name`` (the key), ``flag`` (the key as a flag of the command line), and ``place``: where the value was
    set, which is the flag unless ``places`` names another place for the key, such as an environment variable.

    Parameters
    ----------
    unknown
        About a key that does not exist; ``hint`` is the nearest key, or ``otherwise``.
    missing
        About a key without a value; ``example`` is the key's entry in ``examples``, or ``"at least one"``.
    invalid
        About a value; ``fault`` says what was expected and what came.
    """

    unknown: str
    missing: str
    invalid: str
    otherwise: str
    examples: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)


def fault_sentence(error: ValidationError, wording: Wording, keys: Collection[str]) -> str:
    """Return one sentence about the first fault of ``error``; ``keys`` are the keys that exist."""
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][0])
    flag = name.replace("_", "-")
    names = {"name": name, "flag": flag, "place": wording.places.get(name, f"--{flag}")}
    if fault["type"] == SENTENCE:
        return f"{names['place']}: {fault['msg']}" if name in wording.places else fault["msg"]
    if fault["type"] == "extra_forbidden":
        near = nearest(name, keys)
        return wording.unknown.format(**names, hint=f"did you mean {near!r}?" if near else wording.otherwise)
    if fault["type"] in ("missing", "too_short"):
        return wording.missing.format(**names, example=wording.examples.get(name, "at least one"))
    return wording.invalid.format(**names, fault=_fault(fault["type"], fault["msg"], fault["input"]))


def _fault(kind: str, message: str, value: object) -> str:
    """Return what was expected and what came."""
    expected = message.removeprefix("Value error, ")
    expected = expected[0].lower() + expected[1:]
    if kind == "value_error":  # our own validators name the value themselves
        return expected
    return f"{expected}, got {'another, which is not shown here' if kind == SECRET else repr(value)}"
