"""Keeping the page small: long texts are cut, the more the longer the run, until the data fit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from instructzero.report.html import Html, data_script

MOST_BYTES = 5_000_000
"""Of the data; the page has a few more."""

TEXT_LENGTHS = (20_000, 2_000, 500, 150, 50)
"""Characters that a text may have, to be tried in turn."""


def fitting_script(value: dict[str, Any], *, name: str, whole: Collection[str] = ()) -> Html:
    """`data_script` with texts cut at the first of `TEXT_LENGTHS` with which it has at most `MOST_BYTES`.

    What stands under the keys ``whole`` is not cut further than at the first.
    """
    kept = {key: cut_texts(value[key], TEXT_LENGTHS[0]) for key in whole}
    script = Html("")
    for length in TEXT_LENGTHS:
        script = data_script({**cut_texts(value, length), **kept}, name=name)
        if len(script.encode()) <= MOST_BYTES:
            break
    return script


def cut_texts(value: Any, length: int) -> Any:
    """The same value with every text in it cut."""
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, dict):
        return {key: cut_texts(each, length) for key, each in value.items()}
    if isinstance(value, list):
        return [cut_texts(each, length) for each in value]
    return value


def cut(text: str, length: int) -> str:
    """A text that is too long ends in how much more there was.

    >>> cut("abcdef", 4)
    'abcd … (2 more characters)'
    """
    return text if len(text) <= length else f"{text[:length]} … ({len(text) - length:,} more characters)"
