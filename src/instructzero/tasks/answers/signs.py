"""Signs that carry the meaning of an answer and survive in its normal form.

A sign survives at a place where it can hardly be punctuation:

- before a number: ``-5``, ``<5``, ``>=5``, and the decimal point of ``.5``;
- between digits: ``3.5``, ``1:30``, ``3/4``; a comma before three digits is removed instead (``1,000``);
- between two operands, with spaces on both sides or on none: ``x < y``, ``a != b``, ``a+b``, ``2^3``;
- after a word: ``C++``, ``C#``, ``A+``; after one or two letters ``A-``, after one ``A*``.

Before punctuation is removed, a sign that survives is replaced with a stand-in of the private-use area.
"""

from __future__ import annotations

import re

_FIRST = 0xE000
_STAND_INS = re.compile("[\ue000-\ue0ff]")
_STAND_IN_OF = {sign: chr(_FIRST + ord(sign)) for sign in "-+*/<>=!^#:."}
_STAND_IN_OF["\u2212"] = _STAND_IN_OF["-"]
_SIGN_OF = str.maketrans({stand_in: sign for sign, stand_in in _STAND_IN_OF.items() if sign.isascii()})
_TO_STAND_INS = str.maketrans(_STAND_IN_OF)

_ANY_SIGN = re.compile("[-+*/<>=!^#:.,\u2212]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_INFIX = re.compile(r"""(?<=[\w)\]}'"])(\s*)([<>=!+*/^]+)(\s*)(?=[-\u2212]?[\w(\[{'"$.])""")
_OPERATORS = frozenset("< > <= >= = == != <> + ^ / * ** // += -=".split())
_OF_NUMBERS = frozenset("/ * ** //".split())  # between words they are alternatives and emphasis
_AFTER_WORD = re.compile(r"(?<=[^\W_])(?:(?:\+{1,2}|#)(?![\w+#])|\+\+(?=\d))")
_MINUS_AFTER_LETTERS = re.compile(r"(?<!\w)([^\W\d_]{1,2})([-\u2212])(?![\w\-\u2212>'\u2019])")
_STAR_AFTER_LETTER = re.compile(r"(?<![\w*])([^\W\d_])(\*)(?![\w*])")
_MINUS = re.compile(r"(?<![\w.)])[-\u2212](?=[$£€]?\.?\d)")
_BOUND = re.compile(r"(?<![\w<>=)\-])[<>]=?(?=[$£€]?[-\u2212]?\.?\d)")
_POINT = re.compile(r"(?<![^\W\d])\.(?=\d)")
_COLON = re.compile(r"(?<=\d):(?=\d)")


def with_stand_ins(text: str) -> str:
    """Return ``text`` without the commas of thousands, and with stand-ins for the signs that survive.

    >>> without_stand_ins(with_stand_ins("1,000 < x"))
    '1000<x'
    """
    if not text.isascii():
        text = _STAND_INS.sub(" ", text)
    if not _ANY_SIGN.search(text):
        return text
    text = _INFIX.sub(_kept_operator, _THOUSANDS.sub("", text))
    for pattern in (_AFTER_WORD, _MINUS, _BOUND, _POINT, _COLON):
        text = pattern.sub(_kept, text)
    text = _MINUS_AFTER_LETTERS.sub(_kept_after, text)
    return _STAR_AFTER_LETTER.sub(_kept_star, text) if "*" in text else text


def without_stand_ins(text: str) -> str:
    """Return ``text`` with the signs in place of their stand-ins."""
    return text.translate(_SIGN_OF)


def _kept(found: re.Match[str]) -> str:
    return found[0].translate(_TO_STAND_INS)


def _kept_after(found: re.Match[str]) -> str:
    return found[1] + found[2].translate(_TO_STAND_INS)


def _kept_star(found: re.Match[str]) -> str:
    opened = found.string.count("*", 0, found.start()) % 2  # the star ends emphasis, as in "*Option A*"
    return found[0] if opened else _kept_after(found)


def _kept_operator(found: re.Match[str]) -> str:
    """Keep an operator without its spaces, unless it stands on one side only or looks like an alternative."""
    sign = found[2]
    if sign not in _OPERATORS or bool(found[1]) != bool(found[3]):
        return found[0]
    if sign in _OF_NUMBERS and not (_is_short(found, before=True) and _is_short(found, before=False)):
        return found[0]
    return sign.translate(_TO_STAND_INS)


_SHORT_BEFORE = re.compile(r"(?:\d|[)\]}]|(?<![^\W_])[^\W\d_])$")
_SHORT_AFTER = re.compile(r"[-\u2212]?(?:[\d(\[{$.]|[^\W\d_](?![^\W\d_]))")


def _is_short(found: re.Match[str], *, before: bool) -> bool:
    """Return True if the operand is a number, in brackets, or a single letter; "n/a" is a word of its own."""
    text = found.string
    if before:
        return _SHORT_BEFORE.search(text[max(0, found.start() - 2) : found.start()]) is not None
    if text[found.start() - 1 : found.end() + 1].lower() == "n/a":
        return False
    return _SHORT_AFTER.match(text, found.end()) is not None
