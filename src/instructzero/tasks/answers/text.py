"""The normal form of texts, in which they are compared.

The paper's rule: first line only, up to the first full stop, lower case, no punctuation, hyphens as
spaces, the word "and" and the labels "Sentence 1:", "Sentence 2:" ignored. Where that rule loses meaning,
this module differs from it:

- a full stop cuts only before white space or at the end, so "3.5" and "a.m." stay whole; an exclamation mark and the
  stops of other scripts end a sentence too;
- the sign, decimal point and thousands of a number survive: "-3.5" is neither "3.5" nor "-35";
- so do other signs that carry the meaning (`instructzero.tasks.answers.signs`): "C++" is not "C", "3/4" not "34";
- commas, semicolons and underscores separate words, as hyphens do;
- full-width and other compatibility characters, and the digits of all scripts, become plain ones (NFKC);
- an accepted answer is never cut, and a prediction is cut to at most as many sentences as the answer has: one for a
  one-sentence answer, two for "Dr. King", which the paper's rule cannot distinguish from "Dr. Pepper";
- a text of punctuation only is compared as it is.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache

from instructzero.tasks.answers.scripts import glued
from instructzero.tasks.answers.signs import with_stand_ins, without_stand_ins

_LINE_OR_STOP = re.compile(r"[\r\n]+|\.(?=\s|$)")
_OTHER_STOP = re.compile(r"!+(?=\s|$)|[。｡！？।॥۔։።။។]|．(?!\d)")
_LABEL = re.compile(r"\bsentence [12]:", re.IGNORECASE)
_AND = re.compile(r"(?<= )and(?= )", re.IGNORECASE)
_OWN_MEANING = re.compile(  # compatibility forms of which NFKC would lose it: superscripts, fractions, accents, …
    "([\u00a8\u00aa\u00af\u00b2-\u00b4\u00b8-\u00ba\u00bc-\u00be\u02d8-\u02dd\u0384\u1fbd-\u1ffe"
    "\u2024-\u2026\u2070-\u209f\u2120\u2122\u2150-\u215f\u2189]+)"
)
_JOINERS = "\u200c\u200d"


class _Characters(dict[int, str | int]):
    """A table for `str.translate`: digits become those of ASCII, invisible marks of format and variants disappear."""

    def __missing__(self, code: int) -> str | int:
        character = chr(code)
        invisible = unicodedata.category(character) == "Cf" and character not in _JOINERS
        digit = {"٫": ".", "٬": ","}.get(character, unicodedata.decimal(character, None))
        self[code] = "" if invisible or character in "\ufe0e\ufe0f" else code if digit is None else str(digit)
        return self[code]


class _Punctuation(dict[int, str | int]):
    """A table for `str.translate`: dashes and separators become spaces, other punctuation disappears."""

    def __missing__(self, code: int) -> str | int:
        character, category = chr(code), unicodedata.category(chr(code))
        if category == "Pd" or character in "_,;、，；،؛၊፣՝":
            self[code] = " "
        else:
            self[code] = "" if category.startswith("P") or character in string.punctuation else code
        return self[code]


_CHARACTERS, _PUNCTUATION = _Characters(), _Punctuation()

CLAUSE, COLON, BRACKET, END_BRACKET, QUOTE = "\ue100\ue101\ue102\ue103\ue104"
"""What `marked` writes for the punctuation that says how the words belong together."""

_DASH = re.compile(r"\s[-\u2013\u2014]+\s|[\u2013\u2014]+")
_MARKS = str.maketrans(
    dict.fromkeys(",;、，；،؛", f" {CLAUSE} ")
    | dict.fromkeys(":=→", f" {COLON} ")
    | dict.fromkeys("([{（【「『", f" {BRACKET} ")
    | dict.fromkeys(")]}）】」』", f" {END_BRACKET} ")
    | dict.fromkeys('*"“”„«»`', f" {QUOTE} ")
)
_NOT = re.compile(r"n['\u2019]t\b", re.IGNORECASE)


def canonical(text: str) -> str:
    """Return ``text`` with plain characters for compatibility forms (NFKC), plain digits, and no invisible marks.

    >>> canonical("Ｃ＃ １２３")
    'C# 123'
    """
    if text.isascii():
        return text
    parts = _OWN_MEANING.split(text)
    text = "".join(part if index % 2 else unicodedata.normalize("NFKC", part) for index, part in enumerate(parts))
    return text.translate(_CHARACTERS)


def plain(text: str) -> str:
    """Return ``text`` in lower case with plain characters and single spaces: the normal form of punctuation alone."""
    return " ".join(canonical(text).lower().split())


def words(text: str, *, lower: bool = True) -> str:
    """Return ``text`` without punctuation, as words with single spaces; sentences are not cut here.

    ``lower`` converts it to lower case.

    >>> words("Five hundred and ninety-four!")
    'five hundred ninety four'
    >>> words("-1,234.5 (m), C++")
    '-1234.5 m c++'
    """
    text = canonical(text)
    text = _LABEL.sub(" ", text.lower() if lower else text)
    text = without_stand_ins(with_stand_ins(text).translate(_PUNCTUATION))
    return glued(" ".join(_AND.sub("", " ".join(text.split())).split()))


def marked(sentence: str) -> str:
    """Return the words of ``sentence`` in their case, with marks for its punctuation and "not" for "n't".

    >>> marked("It isn't spam, I think.").replace(CLAUSE, "/")
    'It is not spam / I think'
    """
    text = _NOT.sub(" not", with_stand_ins(canonical(sentence)))
    text = _DASH.sub(f" {CLAUSE} ", text).translate(_MARKS).translate(_PUNCTUATION)
    return glued(" ".join(without_stand_ins(text).split()))


@lru_cache(maxsize=8192)  # the same answers are compared in every trial
def _parts(text: str, lower: bool = True) -> tuple[tuple[str, ...], ...]:
    """Return the sentences of ``text`` in normal form, grouped by what the paper's rule takes for a sentence."""
    groups = (_OTHER_STOP.split(part) for part in _LINE_OR_STOP.split(text))
    forms = (tuple(form for part in group if (form := words(part, lower=lower))) for group in groups)
    return tuple(group for group in forms if group)


def sentences(text: str, *, lower: bool = True) -> tuple[str, ...]:
    """Return the sentences and lines of ``text`` in normal form, without those that normalise to nothing.

    ``lower`` converts them to lower case.

    >>> sentences("Paris. It is the capital.")
    ('paris', 'it is the capital')
    """
    return tuple(sentence for group in _parts(text, lower) for sentence in group)


@lru_cache(maxsize=8192)
def normal_form(answer: str) -> str:
    """Return the whole of an accepted answer in normal form, or its plain text if it is punctuation only."""
    return _joined(sentences(answer)) or plain(answer)


def readings(prediction: str, answer: str) -> tuple[str, ...]:
    """Return the normal forms of ``prediction`` to compare with ``answer``; there is at least one.

    They are the first sentence of the prediction, its first two, and so on, up to as many as the answer has.

    >>> readings("Paris. It is the capital.", "Rome")
    ('paris',)
    """
    groups = _parts(answer)
    return _beginnings(prediction, max(1, sum(map(len, groups))), max(1, len(groups)))


def opening(prediction: str, answer: str) -> tuple[str, ...]:
    """Return the beginnings of ``prediction`` behind `readings` as they came: one sentence, two, up to ``answer``'s.

    >>> opening("Ant, bee. They are animals.", "bee, ant")
    ('Ant, bee',)
    """
    groups = _parts(answer)
    fine = _cuts(prediction, (_LINE_OR_STOP, _OTHER_STOP), max(1, sum(map(len, groups))))
    return tuple(dict.fromkeys((*fine, *_cuts(prediction, (_LINE_OR_STOP,), max(1, len(groups))))))


def _cuts(text: str, stops: tuple[re.Pattern[str], ...], count: int) -> list[str]:
    """Return the beginnings of ``text`` before its first ``count`` stops that follow a word."""
    places = sorted({found.start() for stop in stops for found in stop.finditer(text)} | {len(text)})
    kept: list[str] = []
    before = 0
    for place in places:
        if words(text[before:place]):  # not of the whole beginning: a text may consist of stops
            kept.append(text[:place])
        if len(kept) == count:
            break
        before = place
    return kept


@lru_cache(maxsize=8192)
def _beginnings(text: str, sentence_count: int, group_count: int) -> tuple[str, ...]:
    """Return the beginnings of ``text`` of up to so many sentences, and up to so many of the paper's sentences."""
    groups = _parts(text)
    said = [sentence for group in groups for sentence in group]
    ends = set(range(1, min(sentence_count, len(said)) + 1))
    ends |= {sum(map(len, groups[:count])) for count in range(1, min(group_count, len(groups)) + 1)}
    return tuple(_joined(said[:end]) for end in sorted(ends)) or (plain(text),)


def _joined(sentences: tuple[str, ...] | list[str]) -> str:
    return glued(" ".join(sentences))
