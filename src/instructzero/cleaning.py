"""What is taken for the instruction in what a model wrote."""

from __future__ import annotations

import re

from instructzero.templates import CUE

# Where a writer that does not stop goes on with the next demonstration or turn.
_NEXT_BLOCK = re.compile(r"\n\s*\n|\n\s*(?:Input|Output|Instruction|USER|ASSISTANT)\s*:", re.IGNORECASE)
_LEADING_CUE = re.compile(rf"^(?:{re.escape(CUE)}|Instruction:)\s*:?\s*", re.IGNORECASE)
_QUOTES = {('"', '"'), ("'", "'"), ("“", "”"), ("`", "`")}


def clean(raw: str) -> str:
    """The first instruction in what the writer wrote, on one line.

    Strips white space, cuts at the first blank line or at the start of another demonstration or turn, drops a
    repeated cue and a pair of quotes around the whole. The raw text stays in the journal beside it.

    >>> clean('  The instruction was to "sort the words."\\n\\nInput: b a')
    'sort the words.'
    """
    return one_line(_NEXT_BLOCK.split(raw.strip())[0])


def one_line(raw: str) -> str:
    """The text without white space around it, a leading cue and a pair of quotes around the whole, on one line."""
    text = _LEADING_CUE.sub("", raw.strip())
    if len(text) > 1 and (text[0], text[-1]) in _QUOTES and text[0] not in text[1:-1]:
        text = text[1:-1]
    return " ".join(text.split())
