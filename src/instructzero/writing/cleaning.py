"""Extract the instruction from the text that a model wrote."""

from __future__ import annotations

import re

from instructzero.prompts import CUE

# The place where a writer that does not stop continues with another demonstration or turn.
_NEXT_TURN = r"\n\s*(?:Input|Output|Instruction|USER|ASSISTANT)\s*"
_NEXT_BLOCK = re.compile(rf"\n\s*\n|{_NEXT_TURN}:", re.IGNORECASE)
_TURN_OR_NOT = re.compile(rf"{_NEXT_TURN}\Z", re.IGNORECASE)
_LEADING_CUE = re.compile(rf"^(?:{re.escape(CUE)}|Instruction:)\s*:?\s*", re.IGNORECASE)
_QUOTES = {('"', '"'), ("'", "'"), ("“", "”"), ("`", "`")}


def clean(raw: str) -> str:
    r"""Return the first instruction in the writer's text, on one line.

    Strip white space, cut at the first blank line or at the start of another demonstration or turn, and drop a
    repeated cue and a pair of quotes around the whole. The journal keeps the raw text too.

    >>> clean('  The instruction was to "sort the words."\n\nInput: b a')
    'sort the words.'
    """
    return one_line(_NEXT_BLOCK.split(raw.strip())[0])


def is_settled(raw: str) -> bool:
    r"""Return True if no continuation of the text changes the result of `clean`, so that generation may stop.

    >>> [is_settled(text) for text in ("sort the words.", "sort the words.\n\n", "sort\nInput\n\n", "\n\n")]
    [False, True, False, False]
    """
    text = raw.lstrip()
    block = _NEXT_BLOCK.search(text)
    if block is None:
        return False
    # A continuation can start an earlier block only by a colon after a turn's name and white space at the end.
    turn = _TURN_OR_NOT.search(text)
    return turn is None or turn.start() >= block.start()


def one_line(raw: str) -> str:
    """Return the text on one line, without a leading cue and without a pair of quotes around the whole."""
    text = _LEADING_CUE.sub("", raw.strip())
    if len(text) > 1 and (text[0], text[-1]) in _QUOTES and text[0] not in text[1:-1]:
        text = text[1:-1]
    return " ".join(text.split())
