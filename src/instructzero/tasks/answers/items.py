r"""The items of a list that is written as text: ``ant, bee``, ``- ant\n- bee``, ``["ant", "bee"]``, ``猫、狗``.

An item is the tuple of its units (`scripts.units`) in normal form.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from instructzero.tasks.answers.scripts import units
from instructzero.tasks.answers.text import canonical, opening, words

Item = tuple[str, ...]

_SEPARATOR = re.compile(r"(?:,(?!\d{3}(?!\d))|(?<!\d),|[;、،؛၊፣|\n\r]|(?<!\S)\(?\d{1,3}[.)](?=\s+\D))")
_BULLET = re.compile(
    r"^[ \t]*(?:[-*+–—](?=[ \t])|[•·●▪◦‣・○■□◆▶➢✓]|\(?\d{1,3}[.):](?=\D)|\(?[a-z][.)][ \t])[ \t]*", re.MULTILINE
)
_LEADING_JOINING = re.compile(r"^\s*(?:and|&|und)\s", re.IGNORECASE)
_AND_IN_ANSWER = re.compile(r"\s(?:and|&|und)\s", re.IGNORECASE)
_JOINING: frozenset[Item] = frozenset(
    tuple(units(word))
    for word in (
        "and & und et y e и і й та och og oraz και en और و 和 与 與 跟 及 以及 と や および 및 와 과 그리고 และ กับ"
    ).split()
)
_LETTERS = frozenset((letter,) for letter in "yeиійو")
AND: Item = ("and",)
_LONGEST_JOINING = max(map(len, _JOINING))


@lru_cache(maxsize=8192)
def items_of(answer: str, separated: bool) -> frozenset[Item]:
    """Return the items of an accepted answer.

    ``separated`` says that an answer without a separator is one item; else its words are the items.

    >>> sorted(items_of("ice cream, soup", False))
    [('ice', 'cream'), ('soup',)]
    """
    chunks = _chunks(answer)
    if len(chunks) == 1 and len(parts := _AND_IN_ANSWER.split(chunks[0])) > 1:
        chunks = tuple(parts)
    items = [item for chunk in chunks if (item := _units(_LEADING_JOINING.sub("", chunk)))]
    if len(items) == 1 and not separated:
        listed = [item for word in answer.split() if (item := _units(word))]
        inner = [item for item in listed[1:-1] if item != AND]  # the normal form ignores it only between words
        items = [*listed[:1], *inner, *listed[-1:]]
    return frozenset(items)


def separates_phrases(answer: str) -> bool:
    """Return True if ``answer`` lists several items, one of which has several words."""
    chunks = _chunks(answer)
    return len(chunks) > 1 and any(" " in words(_LEADING_JOINING.sub("", chunk)) for chunk in chunks)


@lru_cache(maxsize=8192)
def _units(chunk: str) -> Item:
    return tuple(units(words(chunk)))


@lru_cache(maxsize=8192)
def listings(text: str, answer: str) -> tuple[tuple[str, ...], ...]:
    """Return the ways to read ``text`` as a list, each as the texts between its separators.

    A list of one item a line is read as a whole. Else the list is the whole text, what follows a colon that announces
    it, or as many sentences at the beginning as ``answer`` has, as the other metrics read it.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(bullets := list(_BULLET.finditer(text))) > 1:
        if _NEGATION.search(text, 0, bullets[0].start()):
            return ()
        return (tuple(_BULLET.sub("", line) for line in lines if _BULLET.match(line)),)
    if len(lines) > 1 and all(map(_is_item, lines)):
        return (tuple(lines),)
    beginnings = opening(text, answer)
    announced = [rest for part in (text, *beginnings) if (rest := _after_announcement(part))]
    return tuple(dict.fromkeys(map(_chunks, (text, *beginnings, *announced))))


_STOP = re.compile(r"[.!?。！？]\s?")
_NEGATION = re.compile(r"\b(?:not?|none|neither|non|except|without|excluding|other than)\b|n[’']t\b", re.IGNORECASE)


def _after_announcement(text: str) -> str:
    """Return what follows the colon of "The animals are: ant, bee"."""
    intro, colon, rest = canonical(text).partition(":")
    is_one_phrase = not (_SEPARATOR.search(intro.strip()) or _STOP.search(intro) or _NEGATION.search(intro))
    return rest if colon and rest.strip() and is_one_phrase else ""


_NO_ITEM = re.compile(r":(?!\d)|[.!?。！？]$")


def _is_item(line: str) -> bool:
    line = canonical(line).strip()
    return len(line.split()) <= 3 and not _SEPARATOR.search(line) and not _NO_ITEM.search(line)


@lru_cache(maxsize=8192)
def _chunks(text: str) -> tuple[str, ...]:
    """Return the texts between the separators of ``text``, or the elements of a JSON list."""
    if text.lstrip()[:1] in ("[", "{") and (elements := _elements(text.strip())) is not None:
        return elements
    parts = _SEPARATOR.split(_BULLET.sub("\n", canonical(text)))
    return tuple(part for part in parts if part.strip())


def _elements(text: str) -> tuple[str, ...] | None:
    """Return the elements of a list in the notation of JSON or Python, or None if it is no list of plain values."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(value, list | tuple | set) and all(isinstance(element, str | int | float) for element in value):
            return tuple(map(str, value))
    return None


def are_items_of(chunks: Sequence[str], items: frozenset[Item]) -> bool:
    """Return True if ``chunks`` consist of all the ``items``, with at most words such as "and" between them.

    The word "and" may be an item itself, as where the words that begin with a letter are asked for.
    """
    parts = [part for part in map(_units, chunks) if part]
    used: set[Item] = set()
    for place, part in enumerate(parts):
        found = _tiled(part, items)
        if found is None and not (part == AND and 0 < place < len(parts) - 1):
            return False
        used |= found or set()
    return used == items


def _tiled(chunk: Item, items: frozenset[Item]) -> frozenset[Item] | None:
    """Return the items of which ``chunk`` consists, the longest first, or None."""
    if chunk in items:
        return frozenset({chunk})
    known, joining, longest = _vocabulary(items)
    if not known.issuperset(chunk):
        return None
    reached: dict[int, frozenset[Item]] = {len(chunk): frozenset()}
    for start in range(len(chunk) - 1, -1, -1):
        for begin in _begins(chunk, start, joining):
            ends = range(min(len(chunk), begin + longest), begin, -1)
            found = next((end for end in ends if end in reached and chunk[begin:end] in items), None)
            if found is not None:
                reached[start] = reached[found] | {chunk[begin:found]}
                break
    return reached.get(0)


@lru_cache(maxsize=8192)
def _vocabulary(items: frozenset[Item]) -> tuple[frozenset[str], frozenset[Item], int]:
    """Return the units of items and what may join them, the words that may join them, and the length of the longest."""
    are_letters = any(len(item) == 1 and len(item[0]) == 1 for item in items)
    joining = _JOINING - _LETTERS if are_letters else _JOINING
    return frozenset(unit for item in (*items, *joining) for unit in item), joining, max(map(len, items))


def _begins(chunk: Item, start: int, joining: frozenset[Item]) -> Iterator[int]:
    """Yield where an item may begin: at ``start``, or after a joining word there."""
    yield start
    for length in range(1, _LONGEST_JOINING + 1):
        if chunk[start : start + length] in joining:
            yield start + length
