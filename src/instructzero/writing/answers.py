"""Reading the texts that a chat model was asked for out of its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from instructzero.writing.cleaning import clean, one_line, unfenced, without_marks, without_thoughts
from instructzero.writing.phrases import SPECIAL_TOKEN, THOUGHTS_BEGIN, THOUGHTS_END, UNMARKED_CHANNELS

_OPENING, _CLOSING = "<prompt>", "</prompt>"
_MARK = re.compile(r"<[^\S\n]*(/?)[^\S\n]*prompt[^\S\n]*>", re.IGNORECASE)

_NUMBERED_MARK = re.compile(
    r"<[^\S\n]*(/?)[^\S\n]*prompt(?:[\s_-]*#?\d{1,3}|[^\S\n]+[a-z]{1,12}=[\"']?[\w-]{1,12}[\"']?)?[^\S\n]*>",
    re.IGNORECASE,
)
"""A mark as several texts have it: also with a number."""

_ITEM = re.compile(
    r"^([^\S\n]*)(?:[*_#]+[^\S\n]*)?(?:(?:prompt|instruction|option|version|variant)[^\S\n]+)?#?\(?(\d{1,2})[.):：、．]+"
    r"[*_]*[^\S\n]*",
    re.IGNORECASE | re.MULTILINE,
)
"""The beginning of an item of a numbered list, with its indentation and its number."""

_TITLE = re.compile(r"\A(?:\*\*[^*\n]{1,60}:\*\*|\*\*[^*\n]{1,60}\*\*[^\S\n]*:)\s*")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_QUOTED_MARKS = re.compile(r"\W*(?:and|und|et|y)?\W*\Z", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\A\W*(?:(?:i['’]m|i am) (?:very |really )?sorry|sorry\b|(?:i|we) (?:cannot|can['’]t|can not|won['’]t)\b"
    r"|(?:i['’]m|i am) (?:unable|not able)\b|as an ai\b)",
    re.IGNORECASE,
)


def read_text(answer: str) -> str:
    r"""Return the text between the last ``<prompt>`` and ``</prompt>`` of an answer, or the whole answer, cleaned.

    Marks in a model's thoughts do not count. The closing mark may be missing, because an answer can be cut off.

    >>> read_text("First <prompt>Sort.</prompt>, or better\n<prompt>\nSort the\nwords.\n</prompt>")
    'Sort the words.'
    """
    marked = _MARK.sub(r"<\1prompt>", without_thoughts(answer))
    before, closing, _ = marked.rpartition(_CLOSING)
    whole = before if closing else marked
    _, opening, inside = whole.rpartition(_OPENING)
    return one_line(unfenced(inside)) if opening else clean(whole)


def read_texts(answer: str, parts: int) -> list[str]:
    r"""Return the ``parts`` texts of an answer in order, with their line breaks; "" for those that are missing.

    They stand between ``<prompt>`` and ``</prompt>``; the last closing mark may be missing, because an answer can be
    cut off. Without marks, the items of a JSON list of texts or of a numbered list are read, or else the whole answer
    as one text. Of more texts than were asked for, the last ones count: drafts come first.

    >>> read_texts("<prompt>Sort.</prompt>\n<prompt>\nRead the words.\nSort th", 3)
    ['Sort.', 'Read the words.\nSort th', '']
    >>> read_texts("Sure!\n1. Sort the words.\n2. Order them.", 2)
    ['Sort the words.', 'Order them.']
    """
    said = _said(answer)
    found = _marked(said)
    if not found and parts > 1:
        found = _listed(unfenced(said)) or _items(unfenced(said))
    if len(found) == 1 and len(items := _items(found[0])) == parts > 1:
        found = items
    if not found:
        found = _unmarked(said)
    found = found[-parts:]
    return found + [""] * (parts - len(found))


def _said(answer: str) -> str:
    """Return the answer without its thoughts, which may be cut off."""
    *_, said = THOUGHTS_END.split(UNMARKED_CHANNELS.sub("", answer))
    unclosed = THOUGHTS_BEGIN.search(said)
    return said[: unclosed.start()] if unclosed else said


def _marked(said: str) -> list[str]:
    """Return the texts between marks; a text ends at its closing mark, at the next opening one, or at the end."""
    marks = list(_NUMBERED_MARK.finditer(said))
    ends = [*(mark.start() for mark in marks[1:]), len(said)]
    inside = [said[mark.end() : end] for mark, end in zip(marks, ends, strict=False) if not mark[1]]
    # A model may quote the marks: "between <prompt> and </prompt>".
    return [text for text in map(_tidy, inside) if not _QUOTED_MARKS.match(text)]


def _listed(text: str) -> list[str]:
    """Return the texts of a JSON list of at least two; none if the text is no such list."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(values, list) or len(values) < 2 or not all(isinstance(value, str) for value in values):
        return []
    return [_tidy(value) for value in values]


def _items(text: str) -> list[str]:
    """Return the items of the list that is numbered from 1; none if it has fewer than two."""
    starts = list(_numbered(text))
    if len(starts) < 2:
        return []
    ends = [item.start() for item in starts[1:]] + [len(text)]
    items = (text[item.end() : end].strip() for item, end in zip(starts, ends, strict=True))
    return [_tidy(_BLANK_LINES.split(_TITLE.sub("", item), maxsplit=1)[0]) for item in items]


def _numbered(text: str) -> Iterator[re.Match[str]]:
    """Yield the beginnings of the items 1, 2, 3 and so on with the indentation of the first one."""
    expected, indentation = 1, ""
    for item in _ITEM.finditer(text):
        if int(item[2]) == expected and (expected == 1 or item[1] == indentation):
            expected, indentation = expected + 1, item[1]
            yield item


def _unmarked(said: str) -> list[str]:
    """Return the answer up to a closing mark as one text, unless it is a refusal or has an opening mark."""
    first = _NUMBERED_MARK.search(said)
    if first and not first[1]:
        return []
    text = "" if _REFUSAL.match(said) else clean(said[: first.start()] if first else said)
    return [text] if text else []


def _tidy(text: str) -> str:
    """Return a text with its line breaks, without a fence or marks around the whole and without special tokens."""
    lines = SPECIAL_TOKEN.sub("", unfenced(text.replace("\r\n", "\n"))).split("\n")
    return _BLANK_LINES.sub("\n\n", without_marks("\n".join(line.rstrip() for line in lines))).strip()
