"""The code in a text with Markdown fences."""

from __future__ import annotations

import re

_OPENING = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[^\n`]*(?:\n|\Z)", re.MULTILINE)


def fenced(text: str) -> list[str]:
    r"""Return the contents of the fenced blocks of ``text``, in order; a block that is not closed ends with the text.

    >>> fenced("Here you are:\n```python\nx = 1\n```\nIt sets x.")
    ['x = 1\n']
    """
    blocks, place = [], 0
    while opening := _OPENING.search(text, place):
        closing = re.compile(rf"^[ \t]*{opening['fence']}[ \t]*$", re.MULTILINE).search(text, opening.end())
        end, place = (closing.start(), closing.end()) if closing else (len(text), len(text))
        blocks.append(text[opening.end() : end])
    return blocks
