"""Units, currencies and words such as "million" beside a number. Nothing is converted: 1 km is not 1000 m."""

from __future__ import annotations

import re

_SYMBOLS = """
    mm cm dm m km µm=µm|μm nm ft yd mi mg g kg µg=µg|μg lb=lb|lbs oz ml=ml|mL cl dl l=l|L ms s=s|sec|secs min=min|mins
    h=h|hr|hrs kB=kB|KB MB GB TB Hz kHz MHz GHz W kW MW kWh V mV J kJ kcal Pa kPa bar mi/h=mph km/h=kph|kmh
    °C=°C|℃ °F=°F|℉ %=%|％|pct
"""  # case counts; MEANING=SPELLING|SPELLING, or a symbol that is both
_WORDS = """
    mm=millimeter|millimetre cm=centimeter|centimetre m=meter|metre km=kilometer|kilometre ft=foot|feet in=inch|inches
    yd=yard mi=mile mg=milligram g=gram|gramme kg=kilogram|kilo oz=ounce t=ton|tonne ml=milliliter|millilitre
    l=liter|litre gal=gallon ms=millisecond s=second|sekunde min=minute h=hour|stunde day=day|tag week=week|woche
    month=month|monat year=year|yr|jahr|ans B=byte kB=kilobyte MB=megabyte GB=gigabyte TB=terabyte
    %=percent|procent|prozent $=dollar|usd|buck €=euro|eur £=gbp|quid ¢=cent|pence ₹=rupee|inr|rs jp¥=yen|jpy
    cn¥=yuan|rmb|cny|renminbi ₩=won|krw ₽=ruble|rouble|rub|руб|рублей fr=franc|chf
    kr=krona|krone|kronor|kroner|sek|nok|dkk
"""
_CURRENCIES = """
    $=$|US$|A$|C$|HK$ €=€ £=£ ¢=¢ jp¥|cn¥=¥ jp¥=円 cn¥=元 ₹=₹|Rs ₩=₩|원 ₽=₽ R$=R$ ₿=₿ ฿=฿|บาท ₫=₫ ₴=₴ ₺=₺ kr=kr
"""
_POUNDS = frozenset({"lb", "£"})


def _table(text: str) -> dict[str, frozenset[str]]:
    """Return the meanings of every spelling; several meanings are separated by a stroke."""
    table: dict[str, frozenset[str]] = {}
    for entry in text.split():
        meaning, _, spellings = entry.partition("=")
        for spelling in (spellings or meaning).split("|"):
            table[spelling] = frozenset(meaning.split("|"))
    return table


_BY_SYMBOL = _table(_SYMBOLS) | _table(_CURRENCIES)
_BY_WORD = _table(_WORDS)
_BY_WORD |= {f"{word}s": meaning for word, meaning in _BY_WORD.items()} | {"pound": _POUNDS, "pounds": _POUNDS}
_MONEY = frozenset[str]().union(*_table(_CURRENCIES).values())

SCALES = {
    "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "lakh": 5, "crore": 7,
    "万": 4, "萬": 4, "億": 8, "亿": 8, "만": 4, "억": 8,
}  # fmt: skip
"""The power of ten of a word after a number."""

SCALE = re.compile(rf" ?(?P<scale>(?:{'|'.join(SCALES)})(?![a-z])|[kK](?![^\W\d_]))")
CURRENCY_BEFORE = r"(?<![A-Za-z])(?:(?:US|A|C|HK|R)?\$|[€£¥¢₹₩₽₿฿₫₴₺]|Rs\.?|USD|EUR|GBP|CHF|INR|JPY|CNY)"
_ONE = r"[€$£¥¢₹₩₽₿฿₫₴₺円元원%]|per ?cent\b|° ?[CF]\b|degrees? (?:celsius|fahrenheit)\b|[^\W\d_]+"
UNIT = re.compile(
    rf"[ -]?(?P<square>(?:square|sq\.?|cubic) )?(?P<unit>{_ONE})(?:\^?(?P<power>[23])(?!\d))?"
    rf"(?: ?(?:/|per) ?(?P<per>{_ONE})(?:\^?(?P<per_power>[23])(?!\d))?)?",
    re.IGNORECASE,
)


def meanings(unit: str) -> frozenset[str]:
    """Return what ``unit`` may mean; none if it is no known unit.

    >>> meanings("Kilometres"), meanings("pens")
    (frozenset({'km'}), frozenset())
    """
    joined = re.sub(r"\s+", " ", unit.strip())
    lower = joined.lower()
    if lower.replace(" ", "") == "percent":
        return frozenset({"%"})
    if lower[:1] == "°" or lower.startswith("degree"):
        return frozenset({f"°{lower.replace('°', ' ').split()[-1][0].upper()}"})
    return _BY_SYMBOL.get(joined) or _BY_WORD.get(lower) or frozenset()


def unit_after(text: str, end: int) -> tuple[frozenset[str], int]:
    """Return the meanings of the unit that stands at ``end`` in ``text``, and the place after it."""
    found = UNIT.match(text, end)
    units = meanings(found["unit"]) if found else frozenset()
    if not found or not units:
        return frozenset(), end
    power = {"s": "2", "c": "3"}.get((found["square"] or " ")[0].lower(), found["power"] or "")
    per = meanings(found["per"]) if found["per"] else frozenset()
    if not per:
        return frozenset(f"{unit}{power}" for unit in units), found.end("power" if found["power"] else "unit")
    return frozenset(f"{a}{power}/{b}{found['per_power'] or ''}" for a in units for b in per), found.end()


def is_money(units: frozenset[str]) -> bool:
    """Return True if ``units`` may be a currency."""
    return bool(units & _MONEY)


def compatible(units: frozenset[str], others: frozenset[str]) -> bool:
    """Return True unless both name a unit and not the same one."""
    return not units or not others or bool(units & others)
