"""Quotations of foreign texts in requests to a model: bounded in length, and free of what a service may refuse."""

from __future__ import annotations

import unicodedata


def one_line(text: str, limit: int) -> str:
    r"""Return a text on one line in at most ``limit`` characters; the middle of a longer one is left out.

    The end of an answer matters as much as its beginning: there the result of a chain of thought stands.

    >>> one_line("to be\n or not to be", 13)
    'to be … to be'
    """
    line = " ".join(text.split())
    half = (limit - 3) // 2
    return _harmless(line if len(line) <= limit else f"{line[:half].rstrip()} … {line[-half:].lstrip()}")


def beginning_of(text: str, limit: int) -> str:
    """Return a text with its line breaks in at most ``limit`` characters."""
    text = text.strip()
    return _harmless(text if len(text) <= limit else f"{text[: limit - 1]}…")


def _harmless(text: str) -> str:
    """Return a text without lone surrogates and control characters, which some services refuse."""
    return "".join(character if _is_harmless(character) else "\N{REPLACEMENT CHARACTER}" for character in text)


def _is_harmless(character: str) -> bool:
    return character in "\n\t\r" or unicodedata.category(character) not in ("Cc", "Cs")
