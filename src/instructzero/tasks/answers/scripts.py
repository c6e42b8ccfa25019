r"""Words in any script: where one may begin and end, and what its units are.

Python's ``\w`` knows neither that vowel signs belong to a word (Devanagari, Tamil, Arabic points) nor that Chinese,
Japanese, Thai, Lao, Khmer and Burmese write words without spaces between them, and that Korean glues particles to them.
Beside letters of those scripts there is no boundary to ask for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff\uff66-\uff9f"
_THAI_AND_LAO = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ece\u0edc-\u0edf"
_TIBETAN_BURMESE_KHMER = "\u0f40-\u0fbc\u1000-\u103f\u1050-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f\u1780-\u17d3"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_HAN_NUMERALS = "〇零一二三四五六七八九十百千万萬億亿兆"

GLUED = _HAN + _KANA + _THAI_AND_LAO + _TIBETAN_BURMESE_KHMER
"""The letters of scripts without spaces between words, as the inside of a character class."""

UNBOUNDED = GLUED + _HANGUL
"""The letters beside which a word may begin and end anywhere, as the inside of a character class."""


def _combining_marks() -> Iterator[str]:
    """Yield the combining marks of all scripts as ranges of a character class."""
    blocks = (range(0x300, 0x2100), range(0x2CEF, 0x3100), range(0xA66F, 0xAC00), range(0xFE00, 0xFE30))
    first = last = -1
    for code in (code for block in blocks for code in block if unicodedata.category(chr(code))[0] == "M"):
        if code != last + 1 and last >= 0:
            yield f"{chr(first)}-{chr(last)}"
        first, last = (first, code) if code == last + 1 else (code, code)
    yield f"{chr(first)}-{chr(last)}"


MARKS = "".join(_combining_marks())
"""The combining marks, which continue the word before them, as the inside of a character class."""

_BOUNDED = rf"(?![{UNBOUNDED}])[\w{MARKS}]"
_SIGN_AFTER = r"[+#]+(?!\w)|[-*](?!\w)"  # C is not in "C++", A is not in "A-"
_ENDS_IN_WORD = re.compile(rf"[\w{MARKS}]")
_ENDS_FREELY = re.compile(f"[{UNBOUNDED}]")
_NUMERAL = re.compile(f"[{_HAN_NUMERALS}]")
_OPERATOR = r"(?<=\w)[<>=!+*]+(?=[-\w])"
_VOWEL_BEFORE, _VOWELS_AFTER = "[\u0e40-\u0e44\u0ec0-\u0ec4]", "\u0e30\u0e32\u0e45\u0eb0\u0eb2"  # of Thai and Lao
_UNIT = re.compile(
    rf"{_VOWEL_BEFORE}?[{UNBOUNDED}][{MARKS}{_VOWELS_AFTER}]*|{_OPERATOR}|(?:(?![{UNBOUNDED}]|{_OPERATOR})\S)+"
)


def any_of(phrases: Mapping[str, str]) -> str:
    """Return a regular expression for any of ``phrases`` as whole words of a text in normal form, the first that fits.

    Parameters
    ----------
    phrases
        The expression for each phrase by the phrase, one or more words that are not empty.

    >>> [found[0] for found in re.finditer(any_of({"5": "5"}), "15 or 5個")]
    ['5']
    """
    groups = groupby(phrases, key=lambda phrase: (_before(phrase[0]), _after(phrase[-1])))
    return "|".join(
        f"{before}(?:{'|'.join(map(phrases.__getitem__, group))}){after}" for (before, after), group in groups
    )


def occurs(phrase: str, text: str) -> bool:
    """Return True if ``phrase`` occurs in ``text`` as whole words, like one of `any_of`.

    >>> occurs("cat", "a cat"), occurs("cat", "concatenate")
    (True, False)
    """
    start = text.find(phrase)
    if start < 0:
        return False
    before, after = _compiled(_before(phrase[0])), _compiled(_after(phrase[-1]))
    while start >= 0:
        if before.match(text, start) and after.match(text, start + len(phrase)):
            return True
        start = text.find(phrase, start + 1)
    return False


_compiled = lru_cache(maxsize=None)(re.compile)  # a handful of kinds of boundary


@lru_cache(maxsize=8192)
def _before(first: str) -> str:
    if _NUMERAL.match(first):
        return f"(?<![{_HAN_NUMERALS}])"
    if _ENDS_FREELY.match(first):
        return ""
    return rf"(?<!{_BOUNDED})(?<![.\-])" if _ENDS_IN_WORD.match(first) else ""


@lru_cache(maxsize=8192)
def _after(last: str) -> str:
    if _NUMERAL.match(last):
        return f"(?![{_HAN_NUMERALS}])"
    if _ENDS_FREELY.match(last):
        return f"(?![{MARKS}])"
    if not _ENDS_IN_WORD.match(last):
        return r"(?![+#])" if last in "+#" else ""
    return rf"(?!{_BOUNDED}|\.\d|{_SIGN_AFTER})"


def units(text: str) -> list[str]:
    """Return the words and operators of ``text``.

    In Korean and in scripts without spaces, units are the characters with their vowels and marks.

    >>> units("iPhone 手机")
    ['iPhone', '手', '机']
    """
    return _UNIT.findall(text)


_SPACE_INSIDE = re.compile(rf"(?<=[{GLUED}]) (?=[{GLUED}])")


def glued(text: str) -> str:
    """Return ``text`` without the spaces between two letters of scripts that write none.

    >>> glued("北京 市 Beijing")
    '北京市 Beijing'
    """
    return text if text.isascii() else _SPACE_INSIDE.sub("", text)
