r"""Fields in the text of a prompt: ``{name}`` is a field, and ``{{`` and ``}}`` stand for one brace.

A user's text may hold braces that are neither, such as JSON. `canonical` doubles these once, when a template is made;
afterwards every single brace belongs to a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache

FIELD = re.compile(r"\{\{|\}\}|\{([^{}\n]+)\}")
"""A doubled brace, or a field with its name as group 1, in a canonical text."""

_BRACED = re.compile(r"\{([^{}\n]+)\}")
_NAME = re.compile(r"[^\W\d][\w-]*")


def canonical(text: str, columns: Collection[str] = ()) -> str:
    """Return the text with every brace doubled that belongs to no field.

    A field is a name in braces: a letter or an underscore, then letters, digits, underscores and hyphens. In a user's
    text ``{{`` and ``}}`` already stand for one brace, except for a ``}}`` that closes the single braces of a JSON
    object.

    Parameters
    ----------
    text
        The text, canonical or as a user writes it.
    columns
        Names of columns, which are fields whatever their form.

    >>> canonical('{input} as {"a": {"b": 1}}')
    '{input} as {{"a": {{"b": 1}}}}'
    >>> canonical('{input} as {{"a": {{"b": 1}}}}')
    '{input} as {{"a": {{"b": 1}}}}'
    """
    written: list[str] = []
    open_braces: list[str] = []
    position = 0
    while position < len(text):
        piece = _piece(text, position, columns, closes_one=open_braces[-1:] == ["{"])
        position += len(piece)
        if piece in ("{", "{{"):
            open_braces.append(piece)
        elif piece == "}}" or (piece == "}" and open_braces[-1:] == ["{"]):
            del open_braces[-1:]
        written.append(piece * 2 if piece in ("{", "}") else piece)
    return "".join(written)


def _piece(text: str, position: int, columns: Collection[str], *, closes_one: bool) -> str:
    """Return what stands at ``position``: one or two braces, a field, or the text up to the next brace."""
    if text[position] not in "{}":
        following = re.compile("[{}]").search(text, position)
        return text[position : following.start() if following else len(text)]
    if text.startswith("{{", position) or (text.startswith("}}", position) and not closes_one):
        return text[position : position + 2]
    found = _BRACED.match(text, position)
    if found and (found[1] in columns or _NAME.fullmatch(found[1])):
        return found[0]
    return text[position]


def names_in(text: str) -> list[str]:
    """Return the names of the fields in a canonical text, in order."""
    return [found[1] for found in FIELD.finditer(text) if found[1]]


def braced(text: str) -> frozenset[str]:
    """Return everything that stands between two braces on one line of a user's text, whether it is a field or not."""
    return frozenset(_BRACED.findall(text))


def fill(text: str, value: Callable[[str], str]) -> str:
    """Return a canonical text with ``value(name)`` for every field and one brace for two; values are not scanned."""
    return "".join([piece if name is None else piece + value(name) for piece, name in _pieces(text)])


@lru_cache(maxsize=256)  # a template is filled for every question
def _pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return the texts of a canonical text, each with the name of the field that follows it; None after the last."""
    pieces: list[tuple[str, str | None]] = []
    before, start = "", 0
    for found in FIELD.finditer(text):
        before, start = before + text[start : found.start()], found.end()
        if found[1] is None:
            before += found[0][0]
        else:
            pieces.append((before, found[1]))
            before = ""
    return (*pieces, (before + text[start:], None))


def replaced(text: str, value: Callable[[str], str]) -> str:
    """Return a canonical text with the canonical text ``value(name)`` for every field."""
    return FIELD.sub(lambda found: found[0] if found[1] is None else value(found[1]), text)


def escaped(text: str) -> str:
    """Return the text with every brace doubled, so that a template holds it literally."""
    return text.replace("{", "{{").replace("}", "}}")
