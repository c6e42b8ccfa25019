"""HTML from Python. Every text is escaped, because data and models are not trusted."""

from __future__ import annotations

import html
import json
import re
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_EMPTY = ("br", "hr", "input", "link", "meta")


class Html(str):
    """Text that is already HTML and must not be escaped."""


def tag(name: str, /, *children: str, **attributes: str | bool | None) -> Html:
    """Return an element. Attributes, and children that are not `Html`, are escaped.

    Parameters
    ----------
    name
        The name of the element.
    children
        Its content.
    attributes
        Its attributes. ``class_`` and ``for_`` stand for Python's reserved words, other underscores for
        hyphens. True gives an attribute without a value; None and False omit it.

    >>> tag("p", "1 < 2", tag("b", "yes"), class_="big")
    '<p class="big">1 &lt; 2<b>yes</b></p>'
    """
    words = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(f" {key}")
        elif value is not None and value is not False:
            words.append(f' {key}="{escape(value)}"')
    opening = f"<{name}{''.join(words)}>"
    return Html(opening if name in _EMPTY else f"{opening}{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Return the children concatenated; those that are not `Html` are escaped."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def escape(text: str) -> Html:
    """Return the text as HTML. Control characters become symbols such as ␀, because HTML cannot represent them."""
    return Html(html.escape(_CONTROLS.sub(_picture, text)))


def foreign(text: str, name: str = "bdi", **attributes: str | bool | None) -> Html:
    """Return an element with text from data or a model, which isolates its writing direction from the surroundings."""
    return tag(name, text, dir="auto", **{"class_": "foreign", **attributes})


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


def data_script(value: Any, *, name: str) -> Html:
    """Return the value as JSON in a script element that browsers do not execute and no text can close.

    Parameters
    ----------
    value
        A value that JSON can represent. Lone surrogates are kept, as escapes.
    name
        The id of the element.

    Raises
    ------
    ValueError
        If the value has a number that JSON lacks, such as NaN.
    """
    content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    content = _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", content)
    return Html(f'<script type="application/json" id="{escape(name)}">{content}</script>')
