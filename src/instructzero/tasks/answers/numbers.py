r"""Numbers in a text, in the forms in which people and models write them.

Read as one number: signs (``-5``, ``−5``, ``minus 5``), groups of thousands (``1,234.5``, ``1.234,5``, ``1 234,5``,
``1'234``, ``12,34,567``), decimal points and commas, fractions (``3/4``, ``\frac{3}{4}``, ``1 1/2``, ``½``), powers
(``1.5e3``, ``1.5 × 10^3``, ``10³``), words of scale (``5 million``, ``5k``) and the decimal digits of all scripts.

Two forms are ambiguous. ``1,234`` is 1234 and ``1.234`` is 1.234, as in English, unless the data show that the comma is
the decimal mark (see `decimal_comma`). A comma before any other number of digits than three is a decimal mark: ``1,5``
is 1.5; with another comma after it, as in ``1,2,3``, the figures are a list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from instructzero.tasks.answers.units import CURRENCY_BEFORE, SCALE, SCALES, meanings, unit_after

Units = frozenset[str]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, or several that are one quantity, such as "2 hours 30 minutes".

    Parameters
    ----------
    start, end
        Its place in the text, with sign, currency and unit.
    values
        The number, or the numbers of the parts.
    units
        What the unit of each may mean; empty if it names none.
    glued
        The figures belong to a word, as in "CO2".
    """

    start: int
    end: int
    values: tuple[Fraction, ...]
    units: tuple[Units, ...]
    glued: bool = False


# From characters to the forms that the patterns below read.

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_RAISED = re.compile(r"(?<=[\w)])[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR = re.compile("[¼½¾⅐-⅞↉]")
_BRACED = r"(?:\{ ?(-?\d+) ?\}|(\d))"
_FRAC = re.compile(rf" ?\\[dtc]?frac ?{_BRACED} ?{_BRACED}")
_REWRITTEN = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"<<[^<>]*>>", ""),  # the calculator notes of GSM8K
        (r"\\[()\[\]]|\\(?:left|right|displaystyle)\b|\$\$", " "),
        (r"\{,\}|\\[,!]|(?<=\d)\\[;: ](?=\d{3})", lambda found: "," if found[0] == "{,}" else " "),
        (r"\\(?:text|mathrm|mathbf|textbf|operatorname|rm|bf)\s*\{([^{}]*)\}", r" \1 "),
        (r"\\(?:times|cdot)\b", "×"),
        (r"\\([$%#&_])", r"\1"),
        (r"\^\s*\{([^{}]*)\}", r"^\1"),
        (r"\^\s*\\circ|\\(?:degree|deg)\b", "°"),
        (r"(?<=\d)\*\*(?=\d)", "^"),
        (r"\*\*|__|`", ""),
        (r"\$(?=\S)([^$\n]*?\S)\$(?!\d)", r"\1"),  # mathematics between dollars
        (r"(?<![\w.)\]])(?<!\d )[–‐](?=[\d.$€£])", "-"),
        (r"\b([Mm]inus|[Nn]egative)\s+(?=[\d.$€£])", lambda found: _minus(found)),
    )
)


def _minus(found: re.Match[str]) -> str:
    """Return the sign for "minus 5", but leave "10 minus 5"."""
    before = found.string[: found.start()].rstrip()
    return found[0] if before[-1:].isdigit() and found[1][0] in "mM" else "-"


@lru_cache(maxsize=8192)
def plain_figures(text: str) -> str:
    r"""Return ``text`` with ASCII digits, plain fractions and powers, and without the marks of Markdown and LaTeX.

    >>> plain_figures(r"**１½** or $\frac{3}{4}$ of ١٢ m²")
    '1 1/2 or 3/4 of 12 m^2'
    """
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = _VULGAR.sub(lambda found: " " + unicodedata.normalize("NFKC", found[0]).replace("\u2044", "/"), text)
    text = unicodedata.normalize("NFKC", text).replace("\u2044", "/").translate(_SAME)
    text = "".join(character if character.isascii() else _ascii_digit(character) for character in text)
    for pattern, replacement in _REWRITTEN:
        text = pattern.sub(replacement, text)
    return _FRAC.sub(_frac, re.sub(r"[^\S\n]+", " ", text)).strip()


_SAME = str.maketrans({"\u2212": "-", "\u066b": ".", "\u066c": ",", "\u2019": "'", "\u02bc": "'", "\r": "\n"})


def _ascii_digit(character: str) -> str:
    return str(unicodedata.decimal(character, character))


def _frac(found: re.Match[str]) -> str:
    top, bottom = int(found[1] or found[2]), int(found[3] or found[4])
    space = " " if found[0][0] == " " or found.string[: found.start()][-1:].isdigit() else ""
    return f"{space}{'-' if (top < 0) != (bottom < 0) else ''}{abs(top)}/{abs(bottom)}"


# From the forms to numbers.

_GROUPED = (
    r"\d{1,3}(?P<mark>[,.' _])\d{3}(?:(?P=mark)\d{3})*(?!\d)(?:(?!(?P=mark))[.,]\d+)?(?![,.]?\d)"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?(?![,.]?\d)"
)
_SIMPLE = r"(?<!\d,)\d+,\d+(?![,.]?\d)|\d+(?:\.\d+)?|(?<![\w.])\.\d+"
_POWER = r"\s?(?:×|x|X|\*|·)\s?10\s?\^\s?\(?(?P<power>[-+]?\d{1,3})\)?(?!\d)"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.)\]%°])(?:- ?(?=[$€£¥₹R])|[-+]))?(?P<money>{CURRENCY_BEFORE} ?)?(?P<inner>(?<=[$€£¥₹])-)?"
    r"(?:(?:(?P<whole>\d+)[ ](?=\d+/))?(?<![\d/])(?P<top>\d+)\s?/\s?(?P<bottom>0*[1-9]\d*)(?![\d/]|[.,]\d)"
    rf"|(?P<digits>(?<![\d.,])(?:{_GROUPED})|{_SIMPLE})"
    rf"(?:[eE](?P<exponent>[-+]?\d{{1,3}})(?![\w])|{_POWER}|\^(?P<raised>-?\d{{1,3}})(?!\d))?)"
)
_DOTTED = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w])")  # a version or an address
_PAIR = re.compile(r"[(\[]-?\d+,-?\d{1,2}[)\]]")
_GROUPS_OF_THREE = re.compile(r"\d{1,3}(?:\.\d{3})+")


def quantities(text: str, comma: bool = False) -> list[Quantity]:
    """Return the quantities in ``text``, which `plain_figures` made, in order.

    ``comma`` says that the comma is the decimal mark, so that 1.234 is 1234.

    >>> [(str(*quantity.values), *quantity.units) for quantity in quantities("-$1,234.50 in 3 days")]
    [('-2469/2', frozenset({'$'})), ('3', frozenset({'day'}))]
    """
    spaced = text if comma else _PAIR.sub(lambda found: found[0].replace(",", ";"), text)
    return list(_joined(text, _each(_without_versions(spaced), comma)))


def _without_versions(text: str) -> str:
    return _DOTTED.sub(lambda found: found[0] if _GROUPS_OF_THREE.fullmatch(found[0]) else "\0" * len(found[0]), text)


def _each(text: str, comma: bool) -> Iterator[Quantity]:
    end = 0
    while found := _NUMBER.search(text, end):
        value, end = _value(found, comma), found.end()
        if scale := SCALE.match(text, end):
            value, end = value * 10 ** SCALES.get(scale["scale"], 3), scale.end()
        units, end = unit_after(text, end)
        currency = meanings((found["money"] or "").rstrip(" ."))
        before = text[found.start() - 1 : found.start()]
        glued = not currency and before.isascii() and before.isalpha()
        yield Quantity(found.start(), end, (value,), (currency or units,), glued)


def _value(found: re.Match[str], comma: bool) -> Fraction:
    if found["top"]:
        value = _integer(found["whole"] or "0") + Fraction(_integer(found["top"]), _integer(found["bottom"]))
    else:
        value = Fraction(Decimal(_decimal(found["digits"], found["mark"], comma)))
    if found["raised"]:
        value = _raised(value, int(found["raised"]))
    value *= Fraction(10) ** int(found["exponent"] or found["power"] or 0)
    return -value if (found["sign"] or "").startswith("-") or found["inner"] else value


def _integer(figures: str) -> int:
    return int(Decimal(figures))  # int() refuses texts of more than 4,300 digits


def _raised(value: Fraction, power: int) -> Fraction:
    """Return ``value`` to the ``power``; powers that would fill the memory are left out."""
    if (value == 0 and power < 0) or (abs(power) > 64 and value not in (2, 10)) or value > 10**6:
        return value
    return Fraction(value**power)


def _decimal(figures: str, mark: str | None, comma: bool) -> str:
    """Return ``figures`` with a decimal point and without the marks between thousands."""
    if mark is None:  # one comma is a decimal mark; with others, or with a point, they are those of India
        indian = figures.count(",") > 1 or ("," in figures and "." in figures)
        return figures.replace(",", "" if indian else ".")
    is_single = mark in ",." and figures.count(mark) == 1 and ("." if mark == "," else ",") not in figures
    if is_single and (mark == ("," if comma else ".") or figures[0] == "0"):
        return figures.replace(mark, ".")
    return figures.replace(mark, "").replace(",", ".")


def _joined(text: str, found: Iterable[Quantity]) -> Iterator[Quantity]:
    """Yield the quantities; neighbours with different units, such as "5 ft 3 in", are one."""
    last: Quantity | None = None
    for quantity in found:
        if last and _continues(last, quantity, text[last.end : quantity.start]):
            last = Quantity(last.start, quantity.end, last.values + quantity.values, last.units + quantity.units)
            continue
        if last:
            yield last
        last = quantity
    if last:
        yield last


_BETWEEN = re.compile(r"\s*,?\s*(?:and|und|et|y)?\s*")


def _continues(last: Quantity, quantity: Quantity, between: str) -> bool:
    first, second = last.units[-1], quantity.units[0]
    return bool(first and second and not first & second) and _BETWEEN.fullmatch(between) is not None


_COMMA_DECIMAL, _POINT_DECIMAL = (
    re.compile(
        rf"(?<![\d.,])(?:(?:\d{{1,3}}(?:[{group}]\d{{3}})+|\d+){mark}(?:\d{{1,2}}|\d{{4,}})|0{mark}\d+)(?![\d{mark}])"
    )
    for mark, group in ((",", ". "), (r"\.", ","))
)


def decimal_comma(texts: Iterable[str]) -> bool:
    """Return True if numbers in ``texts`` have a decimal comma and none has a decimal point.

    >>> decimal_comma(["3,5", "1.234"])
    True
    """
    known = [plain_figures(text) for text in texts]
    return any(map(_COMMA_DECIMAL.search, known)) and not any(map(_POINT_DECIMAL.search, known))
