"""HTML from Python: every text is escaped, because data and models may say anything."""

from __future__ import annotations

import html
import json
import re
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_EMPTY = ("br", "hr", "link", "meta")


class Html(str):
    """Text that is HTML already."""


def tag(name: str, /, *children: str, **attributes: str | bool | None) -> Html:
    """An element; children that are not `Html` and all attributes are escaped.

    ``class_`` and ``for_`` stand for the words that Python keeps, other underscores for hyphens. True gives an
    attribute without a value; None and False leave it out.

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
    """The children one after the other."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in children))


def escape(text: str) -> Html:
    """The text as HTML; control characters become their pictures, such as ␀, because HTML has no way to say them."""
    return Html(html.escape(_CONTROLS.sub(_picture, text)))


def foreign(text: str, name: str = "bdi", **attributes: str | bool | None) -> Html:
    """Text from data or a model, in whatever direction it is written, kept from turning what stands around it."""
    return tag(name, text, dir="auto", **{"class_": "foreign", **attributes})


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


def data_script(value: Any, *, name: str) -> Html:
    """The value as JSON in an element that no browser runs, whose end no text in it can be.

    Lone surrogates stay what they are, as escapes. Raises ValueError for numbers that JSON does not have.
    """
    content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    content = _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", content)
    return Html(f'<script type="application/json" id="{escape(name)}">{content}</script>')
