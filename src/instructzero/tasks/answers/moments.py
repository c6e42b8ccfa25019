"""Dates, times of day and ratios in a text, told apart from numbers.

Two moments are equal only if they are the same date and the same time. A time without "am" or "pm" is one of 24
hours. A date of figures is read by its form: ``2024-05-01`` begins with the year, ``01.05.2024`` with the day. The
order of ``01/05/2024`` is that of the task's other dates (see `month_order`); if they do not show it, such a date
equals only the same figures in the same order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Date = tuple[int | str | None, ...]
"""(year, month, day), None where the text has none; or ("?", first, second, year) if the order is not known."""

Time = tuple[int | str, ...]
"""(hour, minute, second, fraction of a second), or ("ratio", …) for figures with colons that are no time."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time or a ratio, and the place in the text where it stands.

    Parameters
    ----------
    start, end
        The place in the text.
    date, time
        What it states; one of the two is None.
    year
        The year of a date with the name of its month, which a text may also state as a number.
    """

    start: int
    end: int
    date: Date | None = None
    time: Time | None = None
    year: int | None = None


_MONTHS = (
    "january|jan|januar|janvier|enero|gennaio|janeiro|januari",
    "february|feb|februar|février|febrero|febbraio|fevereiro|februari",
    "march|mar|märz|mars|marzo|março|maart",
    "april|apr|avril|abril|aprile",
    "may|mai|mayo|maggio|maio|mei",
    "june|jun|juni|juin|junio|giugno|junho",
    "july|jul|juli|juillet|julio|luglio|julho",
    "august|aug|août|agosto|augustus",
    "september|sept|sep|septembre|septiembre|settembre|setembro",
    "october|oct|oktober|octobre|octubre|ottobre|outubro",
    "november|nov|novembre|noviembre|novembro",
    "december|dec|dezember|décembre|diciembre|dicembre|dezembro",
)
_NUMBER_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_MONTH = rf"\b(?P<month>(?:{'|'.join(sorted(_NUMBER_OF, key=len, reverse=True))})\b)\.?"
_OF = r"(?:\s*(?:of|de|del|do)\s+|\s*[-,]?\s*)"
_WORDED = (
    re.compile(
        rf"(?<![\d.])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?{_OF}{_MONTH}(?:{_OF}(?P<year>\d{{4}})(?!\d))?", re.I
    ),
    re.compile(
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.,/]*\d)(?:\s*,?\s+(?P<year>\d{{4}})(?!\d))?"
        rf"|{_MONTH.replace('<month>', '<month2>')}{_OF}(?P<year2>\d{{4}})(?!\d)",
        re.I,
    ),
)
_YEAR_FIRST = re.compile(r"(?<![\d/.\-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/\-]|\.\d)")
_YEAR_LAST = re.compile(r"(?<![\d/.,\-])(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|(?<!-)\d{2})(?![\d/\-]|\.\d)")
_EAST_ASIAN = re.compile(
    r"(?:(?P<year>\d{4})\s*[年년]\s*)?(?<!\d)(?P<month>\d{1,2})\s*[月월](?:\s*(?P<day>\d{1,2})\s*[日号號일])?"
)
_HALF = r"\s*(?P<half>[ap])\.?\s?m\b\.?"
_CLOCK = r"(?:(?<=\0T)|(?<![^\W\d_])(?<![\d:.,]))"
_TIMES = (
    re.compile(
        rf"{_CLOCK}(?P<h>\d{{1,2}}):(?P<m>\d{{2}})(?::(?P<s>\d{{2}})(?:[.,](?P<f>\d+))?)?(?![:\d])(?:{_HALF})?", re.I
    ),
    re.compile(rf"{_CLOCK}(?P<h>\d{{1,2}})(?:\.(?P<m>\d{{2}}))?{_HALF}", re.I),
    re.compile(rf"{_CLOCK}(?P<h>\d{{1,2}})h(?P<m>\d{{2}})(?!\w)", re.I),
    re.compile(rf"{_CLOCK}(?P<h>\d{{1,2}})(?:[.:](?P<m>\d{{2}}))?\s*(?:Uhr\b|o'clock\b)", re.I),
    re.compile(
        r"(?:(?P<am>上午|午前|오전)|(?P<pm>下午|午後|오후))?\s*(?<!\d)(?P<h>\d{1,2})\s*[时時点點시]\s*(?P<m>\d{1,2})\s*[分분]"
    ),
)
_RATIO = re.compile(r"(?<![\w:.])\d+(?::\d+)+(?![\d:])")


def moments(text: str, month_first: bool | None = None) -> list[Moment]:
    """Return the dates, times and ratios in ``text``, in order.

    ``month_first`` is the order of dates such as 01/05/2024; None if it is not known.

    >>> [moment.date or moment.time for moment in moments("On 1 May 2024 at 5:30 pm")]
    [(2024, 5, 1), (17, 30, 0, '')]
    """
    found: list[Moment] = []
    _add(found, _dates(text, month_first))
    _add(found, _times(blanked(text, found)))
    return found


def _add(found: list[Moment], more: Iterable[Moment]) -> None:
    """Add the moments of ``more`` that do not overlap with those in ``found``, which stay in order."""
    for moment in more:
        place = bisect_left(found, moment.start, key=_start)
        is_after = place == 0 or found[place - 1].end <= moment.start
        if is_after and (place == len(found) or moment.end <= found[place].start):
            found.insert(place, moment)


def _start(moment: Moment) -> int:
    return moment.start


def blanked(text: str, found: Iterable[Moment]) -> str:
    """Return ``text`` with null characters in the place of ``found``, in order; all other places stay the same."""
    parts, end = [], 0
    for moment in found:
        parts += [text[end : moment.start], "\0" * (moment.end - moment.start)]
        end = moment.end
    return "".join([*parts, text[end:]])


def month_order(texts: Iterable[str]) -> bool | None:
    """Return True if the dates in ``texts`` begin with the month, False if with the day, None if they do not say.

    >>> month_order(["01/05/2024", "01/25/2024"])
    True
    """
    pairs = [(int(found[1]), int(found[3])) for text in texts for found in _YEAR_LAST.finditer(text) if found[2] != "."]
    day_first, month_first = any(first > 12 for first, _ in pairs), any(second > 12 for _, second in pairs)
    return month_first if day_first != month_first else None


def _dates(text: str, month_first: bool | None) -> Iterator[Moment]:
    for found in _YEAR_FIRST.finditer(text):
        yield from _valid(found, int(found[1]), int(found[3]), int(found[4]))
    for found in _YEAR_LAST.finditer(text):
        yield from _figures(found, month_first)
    for found in _EAST_ASIAN.finditer(text):
        yield from _valid(found, _int(found["year"]), int(found["month"]), _int(found["day"]))
    for pattern in _WORDED:
        for found in pattern.finditer(text):
            yield from _worded(found)


def _figures(found: re.Match[str], month_first: bool | None) -> Iterator[Moment]:
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if len(found[4]) == 2:
        year += 2000 if year < 70 else 1900
    if found[2] == "." or first > 12:
        yield from _valid(found, year, second, first)
    elif second > 12 or month_first or first == second:
        yield from _valid(found, year, first, second)
    elif month_first is False:
        yield from _valid(found, year, second, first)
    else:
        yield Moment(found.start(), found.end(), ("?", first, second, year))


def _worded(found: re.Match[str]) -> Iterator[Moment]:
    """Yield the date, unless it is a word such as "may" beside a number."""
    parts = found.groupdict()
    name, year = parts["month"] or parts["month2"], _int(parts["year"] or parts.get("year2"))
    if year is not None or name[0].isupper():
        yield from _valid(found, year, _NUMBER_OF[name.lower()], _int(parts["day"]), year)


def _valid(
    found: re.Match[str], year: int | None, month: int, day: int | None, stated_year: int | None = None
) -> Iterator[Moment]:
    if 1 <= month <= 12 and (day is None or 1 <= day <= 31):
        yield Moment(found.start(), found.end(), (year, month, day), year=stated_year)


def _times(text: str) -> Iterator[Moment]:
    for pattern in _TIMES:
        for found in pattern.finditer(text):
            time = _time(found.groupdict())
            if time:
                yield Moment(found.start(), found.end(), time=time)
    for found in _RATIO.finditer(text):
        yield Moment(found.start(), found.end(), time=("ratio", *map(int, found[0].split(":"))))


def _time(parts: dict[str, str | None]) -> Time | None:
    """Return the time of day on a clock of 24 hours, or None if there is no such time."""
    hour, minute, second = int(parts["h"] or 0), int(parts["m"] or 0), int(parts.get("s") or 0)
    half = (parts.get("half") or ("a" if parts.get("am") else "p" if parts.get("pm") else "")).lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + 12 * (half == "p")
    if hour > 24 or minute > 59 or second > 59:
        return None
    return hour, minute, second, (parts.get("f") or "").rstrip("0")


def _int(figures: str | None) -> int | None:
    return None if figures is None else int(figures)
