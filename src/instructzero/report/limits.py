"""A size limit for the page: long texts are cut, in several steps, until the data fit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from instructzero.report.html import Html, data_script

MAX_BYTES = 5_000_000
"""The maximum size of the embedded data. The page itself is slightly larger."""

TEXT_LENGTHS = (20_000, 2_000, 500, 150, 50)
"""The maximum lengths of a text in characters, tried in this order."""


def fitting_script(value: dict[str, Any], *, name: str, whole: Collection[str] = ()) -> Html:
    """Return `data_script` of the value, with texts cut so that it has at most `MAX_BYTES` if possible.

    Parameters
    ----------
    value
        The data.
    name
        The id of the element.
    whole
        Keys whose texts are never cut below the first of `TEXT_LENGTHS`.
    """
    kept = {key: cut_texts(value[key], TEXT_LENGTHS[0]) for key in whole}
    script = Html("")
    for length in TEXT_LENGTHS:
        script = data_script({**cut_texts(value, length), **kept}, name=name)
        if len(script.encode()) <= MAX_BYTES:
            break
    return script


def cut_texts(value: Any, length: int) -> Any:
    """Return the value with every text in it cut, except keys of dicts."""
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, dict):
        return {key: cut_texts(item, length) for key, item in value.items()}
    if isinstance(value, list):
        return [cut_texts(item, length) for item in value]
    return value


def cut(text: str, length: int) -> str:
    """Return the text, cut to ``length`` characters and a note of the number removed if it is longer.

    >>> cut("abcdef", 4)
    'abcd … (2 more characters)'
    """
    return text if len(text) <= length else f"{text[:length]} … ({len(text) - length:,} more characters)"
