"""Texts as Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_MARKS = re.compile(r"([\\`*_{}\[\]#|~^=])")


def plain(text: str) -> str:
    r"""Return Markdown that shows a text as it is.

    >>> plain("{a} < *b*")
    '\\{a\\} &lt; \\*b\\*'
    """
    return _MARKS.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def code(text: object) -> str:
    """Return a text in code font.

    >>> code("a`b")
    '`` a`b ``'
    """
    shown = " ".join(str(text).split())
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def listed(names: Iterable[object]) -> str:
    """Return texts in code font, separated by commas."""
    return ", ".join(map(code, names))
