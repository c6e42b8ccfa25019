"""Extract the instruction from the text that a model wrote.

Two kinds of model write it. A model of plain text continues the cue ("sort the words.") and, if nothing stops it,
continues with other demonstrations. Its instruction ends at a blank line. A chat model answers: thoughts, a preamble,
the instruction, which may have several paragraphs, and remarks. Its instruction ends where something else begins.
"""

from __future__ import annotations

import re

from instructzero.prompts import CUE
from instructzero.writing.phrases import (
    ANNOUNCEMENTS,
    ASIDE,
    CLOSING_REMARK,
    ITEM,
    LABEL_OF_EXAMPLES,
    REMARK,
    RULE,
    SPECIAL_TOKEN,
    START_TOKEN,
    STOP_TOKEN,
    THOUGHTS_BEGIN,
    THOUGHTS_END,
    TURN,
    UNMARKED_CHANNELS,
)

_BLANK = re.compile(r"\n\s*\n")
_LEADING_CUE = re.compile(rf"^(?:{re.escape(CUE)}\b|Instruction:)\s*:?\s*", re.IGNORECASE)
_ELEMENT = re.compile(r"<(instructions?|prompt|answer|task|ins)>(.*?)(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"(`{3,}|~{3,})(?:[^\n`]*\n)?(.*?)(?:\1|\Z)", re.DOTALL)
_ANNOUNCED = re.compile(r"[^\n]{1,120}[:：][*_]*\s*\n\s*(?=\S)")

_PAIRS = {
    '"': '"',
    "'": "'",
    "“": "”",
    "„": "“",
    "‘": "’",
    "`": "`",
    "«": "»",
    "「": "」",
    "『": "』",
    "**": "**",
}
"""Quotes and bold marks that may stand around a whole instruction."""

_CUE_ENDS = " \t\n:：?."

_SENTENCE_ENDS = ".!?。！？؟।"

_ITEM_START = 6
"""The number of characters of a line that say whether it is an item of a list."""

_LONGEST = 20_000
"""The characters of an answer that are read: what the model of a stranger writes may take minutes to search."""

_FALLBACK_WORDS = 40
"""The number of words that are kept of a text in which no instruction is found."""


def clean(raw: str) -> str:
    r"""Return the instruction in the writer's text, on one line; "" only for a text without words.

    Drop thoughts, special tokens, a repeated cue, a preamble, marks around the whole, remarks and the next
    demonstration or turn. All lines of the instruction are kept. They are joined, so that texts that differ in white
    space only count as one instruction. The journal keeps the raw text too.

    >>> clean('  The instruction was to "sort the words."\n\nInput: b a')
    'sort the words.'
    >>> clean("Sure! Here is the instruction:\n\n**Read the words.\nSort them.**\n\nLet me know if it helps.")
    'Read the words. Sort them.'
    """
    text = _answer(raw)[0][:_LONGEST]
    return one_line(_body(text)) or _first_words(text) or _first_words(raw)


def is_settled(raw: str) -> bool:
    r"""Return True if no continuation of the text changes the result of `clean`, so that generation may stop.

    Only a text that continues the cue can be settled. What a chat model writes may turn out to be thoughts or a
    preamble.

    >>> [is_settled(text) for text in ("sort the words.", "sort the words.\n\n", "Sure:\n\n", "do this:\n\n", "\n\n")]
    [False, True, False, False, False]
    """
    return _answer(raw)[1]


def one_line(raw: str) -> str:
    """Return the text on one line, without a leading cue and without a pair of marks around the whole."""
    return " ".join(without_marks(raw).split())


def without_marks(raw: str) -> str:
    """Return the text with its line breaks, without a leading cue and without a pair of marks around the whole."""
    text = _LEADING_CUE.sub("", raw.strip())
    for opening, closing in _PAIRS.items():
        inside = text[len(opening) : -len(closing)]
        enclosed = len(text) > len(opening + closing) - 1 and text.startswith(opening) and text.endswith(closing)
        if enclosed and opening not in inside:
            return inside
    return text


def without_cue(raw: str, cue: str) -> str:
    r"""Return a text without a repetition of ``cue``, or of its last line, at its beginning.

    Letters of either case and other white space count as equal. What the cue ends in may differ: "Rule:" and "Rule".

    >>> without_cue("The rule in\none line is: Sort.", "Look at them.\nThe rule in one line is")
    'Sort.'
    """
    for wording in (cue, cue.strip().rpartition("\n")[2]):
        pattern = r"\s+".join(map(re.escape, wording.rstrip(_CUE_ENDS).split()))
        if pattern and (found := re.match(rf"\s*{pattern}(?!\w)\s*[:：?.]*\s*", raw, re.IGNORECASE)):
            return raw[found.end() :]
    return raw


def without_thoughts(text: str) -> str:
    r"""Return what follows the last thoughts of an answer, or the whole answer if it has none or nothing follows them.

    >>> without_thoughts("<think>Sort? Yes.</think>\n\nSort the words.")
    'Sort the words.'
    """
    answer = UNMARKED_CHANNELS.sub("", text)
    *_, answer = THOUGHTS_END.split(answer)
    return answer.strip() or text


def unfenced(text: str) -> str:
    """Return the inside of a code fence around the whole text, or the text."""
    fence = _FENCE.fullmatch(text.strip())
    return fence[2] if fence else text


def _answer(raw: str) -> tuple[str, bool]:
    """Return the text without the thoughts before it, and True if no continuation changes it.

    A text that continues the cue is cut at its end. Thoughts count only if they end before that.
    """
    # One blank line for many: a model that repeats line breaks would make the patterns below slow.
    text = UNMARKED_CHANNELS.sub("", _BLANK.sub("\n\n", raw.lstrip())).lstrip()
    while True:
        end = _end_of_continuation(text)
        thoughts = THOUGHTS_END.search(text) if end is None else THOUGHTS_END.search(text, 0, end)
        if thoughts is None:
            return text[:end], end is not None
        text = text[thoughts.end() :].lstrip()


def _end_of_continuation(text: str) -> int | None:
    """Return the end of a text that continues the cue; None for another text, and if more text may move the end."""
    if not _continues_cue(text):
        return None
    found = [match.start() for match in (TURN.search(text), STOP_TOKEN.search(text)) if match]
    limit = min(found, default=len(text))
    for blank in _BLANK.finditer(text, 0, limit):
        line = text[: blank.start()].rstrip().rpartition("\n")[2].strip()
        if line.endswith((":", "：")):
            continue
        if not ITEM.match(line):
            return blank.start()
        following = text[blank.end() : limit].lstrip()
        if len(following) < _ITEM_START and limit == len(text):
            return None
        if not ITEM.match(following):
            return blank.start()
    return limit if found else None


def _continues_cue(text: str) -> bool:
    """Return True for a text that begins with a small letter, as the rest of a sentence does."""
    start = _LEADING_CUE.sub("", text).lstrip("\"'“‘`")
    return start[:1].islower() and not ASIDE.match(start) and not start.startswith("analysis")


def _body(text: str) -> str:
    """Return the instruction of an answer, with its line breaks."""
    unclosed = THOUGHTS_BEGIN.search(text)
    answer = _without_tokens(text[: unclosed.start()] if unclosed else text)
    text = _without_preamble(answer)
    if (inside := _enclosed(text, announced=text != answer)) is not None:
        return inside
    ends = [match.start() for pattern in (TURN, REMARK, RULE) if (match := pattern.search(text))]
    text = CLOSING_REMARK.sub("", text[: min(ends, default=len(text))])
    return _without_quotation(LABEL_OF_EXAMPLES.sub("", text).strip())


def _without_tokens(text: str) -> str:
    """Return the text of a turn without special tokens, up to the one that ends it."""
    text = START_TOKEN.sub("", text).strip()
    while (stop := STOP_TOKEN.search(text)) is not None:
        before = text[: stop.start()].strip()
        if before:
            text = before
            break
        text = START_TOKEN.sub("", text[stop.end() :].strip()).strip()
    return SPECIAL_TOKEN.sub("", text).strip()


def _without_preamble(text: str) -> str:
    """Return the text without the words that announce the instruction; the text as it is if nothing would be left."""
    text = _LEADING_CUE.sub("", text) or text
    changed = True
    while changed:
        changed = False
        for pattern in ANNOUNCEMENTS:
            rest = pattern.sub("", text, count=1).strip()
            if rest != text and any(map(str.isalnum, rest)):
                text, changed = rest, True
    return text


def _enclosed(text: str, *, announced: bool) -> str | None:
    """Return the instruction between marks that begin the text or follow a line with a colon; None without marks."""
    while True:
        for enclosing in (_FENCE, _ELEMENT):
            if (match := enclosing.match(text)) is not None:
                return _without_preamble(match[2].strip())
        if (inside := _between_marks(text, bold=announced)) is not None:
            return inside
        announcement = _ANNOUNCED.match(text)
        if announcement is None:
            return None
        text, announced = text[announcement.end() :], True


def _between_marks(text: str, *, bold: bool) -> str | None:
    """Return what stands between a pair of marks, if the first begins the text and the last ends a line.

    Between bold marks it must be a sentence, because a title is bold too.
    """
    for opening, closing in _PAIRS.items():
        inside, found, rest = text.removeprefix(opening).partition(closing)
        if not text.startswith(opening) or not found or opening in inside or rest.partition("\n")[0].strip(" \t\r.。"):
            continue
        if inside.strip() and (opening != "**" or (bold and inside.strip()[-1] in _SENTENCE_ENDS)):
            return inside
    return None


def _without_quotation(text: str) -> str:
    """Return the text without the marks of a quotation in every line, and without the mark of a single item."""
    if text.startswith(">"):
        text = re.sub(r"(?m)^[^\S\n]*>[^\S\n]*", "", text)
    items = sum(bool(ITEM.match(line.strip())) for line in text.split("\n"))
    return re.sub(r"\A[-*+•–·▪]\s+", "", text) if items == 1 else text


def _first_words(raw: str) -> str:
    """Return the first words of a text in which nothing else was found, without tags and special tokens."""
    words = SPECIAL_TOKEN.sub(" ", STOP_TOKEN.sub(" ", raw)).split()
    return " ".join(words[:_FALLBACK_WORDS])
