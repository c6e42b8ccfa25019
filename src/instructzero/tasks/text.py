"""The normal form of texts, in which they are compared.

The paper's rule: first line only, up to the first full stop, lower case, no punctuation, hyphens as
spaces, the word "and" and the labels "Sentence 1:", "Sentence 2:" ignored. Where that rule loses meaning,
this module differs from it:

- a full stop cuts only before white space or at the end, so "3.5" and "a.m." stay whole;
- the sign, decimal point and thousands of a number survive: "-3.5" is neither "3.5" nor "-35";
- an accepted answer is never cut, and a prediction is cut to at most as many sentences as the answer has: one for a
  one-sentence answer, two for "Dr. King", which the paper's rule cannot distinguish from "Dr. Pepper";
- a text of punctuation only is compared as it is.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache

_SENTENCE_END = re.compile(r"[\r\n]+|\.(?=\s|$)")
_LABEL = re.compile(r"\bsentence [12]:", re.IGNORECASE)
_AND = re.compile(r"(?<= )and(?= )", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SIGN = re.compile(r"(?<![\w.)])[-\u2212](?=[$£€]?\.?\d)")
_POINT = re.compile(r"(?<![^\W\d])\.(?=\d)")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_KEPT_SIGN, _KEPT_POINT = "\ue000", "\ue001"  # private-use stand-ins while punctuation is removed


def plain(text: str) -> str:
    """Return ``text`` in lower case with composed accents and single spaces: the normal form of punctuation alone."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def words(text: str, *, lower: bool = True) -> str:
    """Return ``text`` without punctuation, as words with single spaces; sentences are not cut here.

    ``lower`` converts it to lower case.

    >>> words("Five hundred and ninety-four!")
    'five hundred ninety four'
    >>> words("-1,234.5 (m)")
    '-1234.5 m'
    """
    text = unicodedata.normalize("NFC", text)
    text = _LABEL.sub(" ", text.lower() if lower else text)
    text = text.replace(_KEPT_SIGN, " ").replace(_KEPT_POINT, " ")
    text = _COMMA.sub(" ", _THOUSANDS.sub("", text))
    text = _POINT.sub(_KEPT_POINT, _SIGN.sub(_KEPT_SIGN, text))
    text = "".join(_without_punctuation(character) for character in text)
    text = text.replace(_KEPT_SIGN, "-").replace(_KEPT_POINT, ".")
    return " ".join(_AND.sub("", " ".join(text.split())).split())


def _without_punctuation(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Pd":
        return " "
    return "" if category.startswith("P") or character in string.punctuation else character


@lru_cache(maxsize=8192)  # the same answers are compared in every trial
def sentences(text: str, *, lower: bool = True) -> tuple[str, ...]:
    """Return the sentences and lines of ``text`` in normal form, without those that normalise to nothing.

    ``lower`` converts them to lower case.

    >>> sentences("Paris. It is the capital.")
    ('paris', 'it is the capital')
    """
    parts = (words(part, lower=lower) for part in _SENTENCE_END.split(text))
    return tuple(part for part in parts if part)


def normal_form(answer: str) -> str:
    """Return the whole of an accepted answer in normal form, or its plain text if it is punctuation only."""
    return " ".join(sentences(answer)) or plain(answer)


def readings(prediction: str, answer: str) -> list[str]:
    """Return the normal forms of ``prediction`` to compare with ``answer``; there is at least one.

    They are the first sentence of the prediction, its first two, and so on, up to as many as the answer has.

    >>> readings("Paris. It is the capital.", "Rome")
    ['paris']
    """
    said = sentences(prediction)
    if not said:
        return [plain(prediction)]
    longest = max(1, min(len(said), len(sentences(answer))))
    return [" ".join(said[:end]) for end in range(1, longest + 1)]
