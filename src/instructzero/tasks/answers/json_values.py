"""JSON in a text: reading it, and comparing it field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from instructzero.tasks.answers.fences import fenced
from instructzero.tasks.answers.forms import forms

_MOST_STARTS = 1000  # of values within a text, so that a text of brackets does not take quadratic time

ABSENT = object()
"""The value of a text without JSON."""

FieldPath = tuple[str | int, ...]
"""The keys and places that lead to a field."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)


@lru_cache(maxsize=8192)  # the same answers are compared in every trial
def json_in(text: str, kind: type | None = None) -> Any:
    """Return the JSON value of ``text``, or `ABSENT` if there is none.

    It is the whole text, or the text out of its wrapping, or else the last object or list inside a fence or a sentence.

    Parameters
    ----------
    text
        A text that may hold JSON.
    kind
        The type of the value: dict, list, or None for any.

    >>> json_in('Sure: {"a": [1, 2.5]}. Anything else?')
    {'a': [1, Decimal('2.5')]}
    """
    for whole in (*forms(text), *fenced(text)):
        value = _parsed(whole)
        if value is not ABSENT and (kind is None or isinstance(value, kind)):
            return value
    inside = [value for value in _values_inside(text) if kind is None or isinstance(value, kind)]
    return inside[-1] if inside else ABSENT


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text.strip().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return ABSENT


def _values_inside(text: str) -> Iterator[Any]:
    """Yield the objects and lists in ``text`` that are no part of another one, in order."""
    place = 0
    for _ in range(_MOST_STARTS):
        starts = [start for start in (text.find("{", place), text.find("[", place)) if start >= 0]
        if not starts:
            return
        place = min(starts)
        try:
            value, place = _DECODER.raw_decode(text, place)
            yield value
        except (ValueError, RecursionError):
            place += 1


def fields(value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    """Yield the fields of a JSON value by their paths: all values that are neither objects nor lists, or empty ones.

    >>> list(fields({"a": [1, {"b": None}], "c": {}}))
    [(('a', 0), 1), (('a', 1, 'b'), None), (('c',), {})]
    """
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inside or (isinstance(value, dict | list) and not value):
        yield path, value
        return
    for key, field in inside:
        yield from fields(field, (*path, key))


def same_value(one: Any, other: Any, text: Callable[[str], str]) -> bool:
    """Return True if two fields are equal: numbers by value, texts in the form that ``text`` gives, all else as it is.

    A number, a text, true, false and null are never equal to a value of another of these types.
    """
    if isinstance(one, str) and isinstance(other, str):
        return text(one) == text(other)
    numbers = [isinstance(value, int | Decimal) and not isinstance(value, bool) for value in (one, other)]
    return bool(all(numbers) or type(one) is type(other)) and bool(one == other)
