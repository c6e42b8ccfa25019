"""What is taken for the instruction in what a model wrote."""

from __future__ import annotations

import re

from instructzero.prompts import CUE

# Where a writer that does not stop goes on with the next demonstration or turn.
_NEXT_TURN = r"\n\s*(?:Input|Output|Instruction|USER|ASSISTANT)\s*"
_NEXT_BLOCK = re.compile(rf"\n\s*\n|{_NEXT_TURN}:", re.IGNORECASE)
_TURN_OR_NOT = re.compile(rf"{_NEXT_TURN}\Z", re.IGNORECASE)
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


def is_settled(raw: str) -> bool:
    """Whether `clean` takes the same instruction from the text however it goes on: the rest need not be written.

    >>> [is_settled(text) for text in ("sort the words.", "sort the words.\\n\\n", "sort\\nInput\\n\\n", "\\n\\n")]
    [False, True, False, False]
    """
    text = raw.lstrip()
    block = _NEXT_BLOCK.search(text)
    if block is None:
        return False
    # What follows can begin a block before this one only by a colon after a turn's name and white space at the end.
    turn = _TURN_OR_NOT.search(text)
    return turn is None or turn.start() >= block.start()


def one_line(raw: str) -> str:
    """The text without white space around it, a leading cue and a pair of quotes around the whole, on one line."""
    text = _LEADING_CUE.sub("", raw.strip())
    if len(text) > 1 and (text[0], text[-1]) in _QUOTES and text[0] not in text[1:-1]:
        text = text[1:-1]
    return " ".join(text.split())
