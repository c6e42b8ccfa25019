"""The error messages of services, in whatever shape they come: JSON of several dialects, or a web page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_FIRST, _LAST = 6_000, 2_000
"""The characters of a text that are read, from its beginning and from its end: a stranger may send a text of any size,
which many patterns are searched in."""

_LONGEST_CODE = 100
_STYLE, _STYLE_END = "<style", "</style>"


@dataclass(frozen=True, slots=True)
class Complaint:
    """The error message of a service; "" for a field that it leaves out. Of long texts, the middle is left out.

    ``code`` is the service's own word or number for the error, ``parameter`` the name of the refused parameter.
    ``details`` are all fields of the error as text: gateways put the message of the service behind them there.
    """

    message: str
    code: str = ""
    parameter: str = ""
    details: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("message", "details"):
            object.__setattr__(self, name, _ends_of(getattr(self, name)))
        for name in ("code", "parameter"):
            object.__setattr__(self, name, getattr(self, name)[:_LONGEST_CODE])

    @classmethod
    def read(cls, body: bytes) -> Complaint:
        """Read a response's body in any of the known shapes."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return cls(without_tags(body.decode("utf-8", "replace")))
        if isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict):  # Gemini's
            (data,) = data
        return cls.of(data.get("error", data) if isinstance(data, dict) else data)

    @classmethod
    def of(cls, error: Any) -> Complaint:
        """Read the ``error`` of a JSON text."""
        if not isinstance(error, dict):
            return cls(_text(error))
        message = error.get("message") or error.get("detail") or error
        code = error.get("code") or error.get("type") or ""
        return cls(_text(message), _text(code), _text(error.get("param") or ""), _json(error, ascii_only=False))

    @property
    def status(self) -> int | None:
        """The code if it is a number, such as a status of HTTP."""
        return int(self.code) if self.code.isdecimal() else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any, *, ascii_only: bool = True) -> str:
    try:
        return json.dumps(value, ensure_ascii=ascii_only)
    except RecursionError:  # lists in one another, which could just be read
        return ""


def _ends_of(text: str) -> str:
    return text if len(text) <= _FIRST + _LAST else f"{text[:_FIRST]} … {text[-_LAST:]}"


def without_tags(page: str) -> str:
    """Return a web page without its tags and styles, in linear time.

    >>> without_tags("<style>p { color: red }</style><h1>Bad gateway</h1>").split()
    ['Bad', 'gateway']
    """
    return " ".join(_outside(page))


def _outside(page: str) -> Iterator[str]:
    """Yield the texts between the tags of a page."""
    start, has_styles = 0, True
    while (opening := page.find("<", start)) >= 0:
        yield page[start:opening]
        end = -1
        if has_styles and page.startswith(_STYLE, opening):
            end = page.find(_STYLE_END, opening)
            has_styles = end >= 0  # otherwise no later style ends either
        end = page.find(">", max(opening, end))
        if end < 0:
            yield page[opening:]
            return
        start = end + 1
    yield page[start:]
